//! The calls that are running, so that a cancellation can find its call.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Bounded by the number of open connections: a call leaves when its answer or its caller does.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Inner>);

#[derive(Default)]
struct Inner {
    next: AtomicU64,
    /// Calls in progress, with a name or without.
    count: AtomicUsize,
    running: Mutex<HashMap<String, (u64, CancellationToken)>>,
}

impl Calls {
    /// Begins a call. It is cancelled when what is returned is dropped, so a caller that vanishes
    /// takes the computation with it.
    pub fn begin(&self, request: Option<&str>) -> Running {
        let (number, token) = (self.0.next.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        self.0.count.fetch_add(1, Ordering::Relaxed);
        if let Some(request) = request {
            self.0.running.lock().insert(request.to_owned(), (number, token.clone()));
        }
        Running { calls: self.clone(), request: request.map(str::to_owned), number, token }
    }

    pub fn count(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Whether there was such a call.
    pub fn cancel(&self, request: &str) -> bool {
        let found = self.0.running.lock().get(request).map(|(_, token)| token.clone());
        found.inspect(CancellationToken::cancel).is_some()
    }
}

/// A call in progress.
pub(crate) struct Running {
    calls: Calls,
    request: Option<String>,
    number: u64,
    pub token: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.token.cancel();
        self.calls.0.count.fetch_sub(1, Ordering::Relaxed);
        let Some(request) = &self.request else { return };
        let mut running = self.calls.0.running.lock();
        // A second attempt under the same id may have taken the entry.
        if running.get(request).is_some_and(|(number, _)| *number == self.number) {
            running.remove(request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_reaches_its_call_and_no_other() {
        let calls = Calls::default();
        let (one, two) = (calls.begin(Some("1")), calls.begin(Some("2")));
        assert!(calls.cancel("1"));
        assert!(one.token.is_cancelled() && !two.token.is_cancelled());
    }

    #[test]
    fn calls_are_counted_as_long_as_they_last() {
        let calls = Calls::default();
        let (named, nameless) = (calls.begin(Some("1")), calls.begin(None));
        assert_eq!(calls.count(), 2);
        drop((named, nameless));
        assert_eq!(calls.count(), 0);
    }

    #[test]
    fn a_call_that_ended_cannot_be_cancelled() {
        let calls = Calls::default();
        let token = calls.begin(Some("1")).token.clone();
        assert!(token.is_cancelled());
        assert!(!calls.cancel("1"));
    }

    #[test]
    fn the_end_of_an_older_attempt_leaves_the_newer_one_in_reach() {
        let calls = Calls::default();
        let older = calls.begin(Some("1"));
        let newer = calls.begin(Some("1"));
        drop(older);
        assert!(calls.cancel("1"));
        assert!(newer.token.is_cancelled());
    }
}
