//! The native runner process: serves an in-process model over the runner contract.

mod options;

pub use options::{Listen, Options};

/// Serves until SIGTERM or SIGINT, then finishes what was begun and returns.
pub async fn run(options: Options) -> Result<(), RunError> {
    drop(options);
    todo!()
}

#[derive(Debug, thiserror::Error)]
#[error("todo")]
pub struct RunError;
