//! What all of these tests need.

use tintype_engine::{Cancelled, Step, Watch};

/// Keeps what is said to whoever asked.
#[derive(Default)]
pub struct Notes(pub Vec<String>);

impl Watch for Notes {
    fn note(&mut self, message: &str) {
        self.0.push(message.to_owned());
    }

    fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
        Ok(())
    }
}
