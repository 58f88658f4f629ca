//! One build under way, and all who wait for it.

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::{Environment, error::BuildError};

/// What is kept for those who come later; a build that says more says it to those who listen by then.
const MOST_LINES: usize = 20_000;

pub(super) type Ending = Result<Environment, BuildError>;

/// A build's log and its end.
pub(super) struct Flight {
    said: Mutex<Said>,
    end: watch::Sender<Option<Ending>>,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    listeners: Vec<mpsc::UnboundedSender<String>>,
}

impl Flight {
    pub(super) fn new() -> Self {
        Self { said: Mutex::default(), end: watch::Sender::new(None) }
    }

    /// Tells everyone.
    pub(super) fn say(&self, line: &str) {
        let mut said = self.said.lock();
        if said.lines.len() < MOST_LINES {
            said.lines.push(line.to_owned());
        }
        said.listeners.retain(|listener| listener.send(line.to_owned()).is_ok());
    }

    /// `listener` hears what was said so far and what will be.
    pub(super) fn listen(&self, listener: mpsc::UnboundedSender<String>) {
        let mut said = self.said.lock();
        if said.lines.iter().all(|line| listener.send(line.clone()).is_ok()) {
            said.listeners.push(listener);
        }
    }

    pub(super) fn end(&self, ending: Ending) {
        // The streams of logs end with the build.
        self.said.lock().listeners.clear();
        self.end.send_replace(Some(ending));
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    pub(super) async fn ending(&self) -> Ending {
        let mut end = self.end.subscribe();
        // The sender is part of this flight, so it cannot be gone while somebody waits here.
        let ended = end.wait_for(Option::is_some).await.map(|ending| ending.clone());
        ended.ok().flatten().unwrap_or_else(|| Err(BuildError::Job { reason: "it was given up".into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_late_hears_the_beginning_and_everyone_hears_the_end() {
        let flight = Flight::new();
        let (early, mut first) = mpsc::unbounded_channel();
        flight.listen(early);
        flight.say("one");
        let (late, mut second) = mpsc::unbounded_channel();
        flight.listen(late);
        flight.say("two");
        flight.end(Err(BuildError::Job { reason: "no".into() }));
        for heard in [&mut first, &mut second] {
            assert_eq!(heard.recv().await.as_deref(), Some("one"));
            assert_eq!(heard.recv().await.as_deref(), Some("two"));
            assert_eq!(heard.recv().await, None);
        }
        assert!(flight.ending().await.is_err());
    }
}
