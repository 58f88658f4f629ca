//! Whoever wants to see what becomes of an app's runners: a deploy that waits, a stream that shows lines.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tintype_domain::{AppId, RunnerId};
use tintype_launch::{Occurrence, Started};
use tokio::sync::mpsc;

/// Something that happened to a runner of a revision.
#[derive(Debug)]
pub(crate) struct Seen {
    pub runner: RunnerId,
    pub revision: String,
    pub what: What,
    _waiting: Waiting,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Happened(Occurrence),
    /// It never came to be, and why.
    Failed(String),
}

/// Lines that pass between the launcher and whoever asked for the runner.
const PASSING: usize = 256;

/// Lines that wait for one watcher; a watcher who reads more slowly than the app writes misses some.
const LINES: usize = 4096;

#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<AppId, Vec<Watcher>>>);

/// The channel has no bound of its own: what must not be missed (ready, ended) is little.
#[derive(Clone)]
struct Watcher {
    sender: mpsc::UnboundedSender<Seen>,
    waiting: Arc<AtomicUsize>,
}

/// Counts something that waits, as long as it does.
#[derive(Debug)]
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Watcher {
    fn tell(&self, runner: &RunnerId, revision: &str, what: What) {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Waiting(Arc::clone(&self.waiting));
        if waiting >= LINES && matches!(what, What::Happened(Occurrence::Log { .. })) {
            return;
        }
        // Who stopped watching misses nothing.
        let _ = self.sender.send(Seen { runner: runner.clone(), revision: revision.to_owned(), what, _waiting: place });
    }
}

impl Watchers {
    /// Everything about runners that start from now on, until the receiver is dropped.
    pub(crate) fn watch(&self, app: &AppId) -> mpsc::UnboundedReceiver<Seen> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut all = self.0.lock();
        all.retain(|_, senders| {
            senders.retain(|watcher| !watcher.sender.is_closed());
            !senders.is_empty()
        });
        all.entry(app.clone()).or_default().push(Watcher { sender, waiting: Arc::default() });
        receiver
    }

    fn of(&self, app: &AppId) -> Vec<Watcher> {
        self.0.lock().get(app).cloned().unwrap_or_default()
    }

    /// A runner that could not be started has no occurrences.
    pub(crate) fn failed(&self, app: &AppId, runner: &RunnerId, revision: &str, reason: &str) {
        for watcher in self.of(app) {
            watcher.tell(runner, revision, What::Failed(reason.to_owned()));
        }
    }

    /// Lets those see who watch; where nobody does, nothing stands between.
    pub(crate) fn show(&self, app: &AppId, runner: RunnerId, revision: String, started: Started) -> Started {
        let watchers = self.of(app);
        if watchers.is_empty() {
            return started;
        }
        let Started { address, mut occurrences, control } = started;
        let (sender, passed) = mpsc::channel(PASSING);
        tokio::spawn(async move {
            while let Some(occurrence) = occurrences.recv().await {
                for watcher in &watchers {
                    watcher.tell(&runner, &revision, What::Happened(occurrence.clone()));
                }
                if sender.send(occurrence).await.is_err() {
                    break;
                }
            }
        });
        Started { address, occurrences: passed, control }
    }
}

#[cfg(test)]
mod tests {
    use tintype_domain::LogLevel;
    use tintype_launch::{Address, Control, ExitReason};

    use super::*;

    #[tokio::test]
    async fn a_slow_watcher_misses_lines_and_no_end() {
        let (watchers, app): (_, AppId) = (Watchers::default(), "ann/app".parse().unwrap());
        let mut seen = watchers.watch(&app);
        let (sender, occurrences) = mpsc::channel(8);
        let (control, _asked) = Control::new();
        let started = Started { address: Address::Unix("/s".into()), occurrences, control };
        let mut passed = watchers.show(&app, RunnerId::new("r"), "1".into(), started).occurrences;
        let line = Occurrence::Log { level: LogLevel::Stdout, message: "x".into(), request: None, endpoint: None };
        let writing = tokio::spawn(async move {
            for _ in 0..LINES + 100 {
                sender.send(line.clone()).await.unwrap();
            }
            sender.send(Occurrence::Exited { reason: ExitReason::Clean }).await.unwrap();
        });
        let mut count = 0;
        while let Some(occurrence) = passed.recv().await {
            count += usize::from(matches!(occurrence, Occurrence::Log { .. }));
        }
        writing.await.unwrap();
        assert_eq!(count, LINES + 100, "whoever asked for the runner hears everything");
        let mut heard = Vec::new();
        while let Ok(one) = seen.try_recv() {
            heard.push(one.what);
        }
        assert_eq!(heard.len(), LINES + 1);
        assert!(matches!(heard.last(), Some(What::Happened(Occurrence::Exited { .. }))));
    }
}
