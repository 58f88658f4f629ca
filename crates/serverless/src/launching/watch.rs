//! Whoever wants to see what becomes of an app's runners: a deploy that waits, a stream that shows lines.

use std::collections::HashMap;

use parking_lot::Mutex;
use tintype_domain::{AppId, RunnerId};
use tintype_launch::{Occurrence, Started};
use tokio::sync::mpsc;

/// Something that happened to a runner of a revision.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub runner: RunnerId,
    pub revision: String,
    pub what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Happened(Occurrence),
    /// It never came to be, and why.
    Failed(String),
}

/// Lines that pass between the launcher and whoever asked for the runner.
const PASSING: usize = 256;

#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<AppId, Vec<mpsc::UnboundedSender<Seen>>>>);

impl Watchers {
    /// Everything about runners that start from now on, until the receiver is dropped.
    pub(crate) fn watch(&self, app: &AppId) -> mpsc::UnboundedReceiver<Seen> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut all = self.0.lock();
        all.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        all.entry(app.clone()).or_default().push(sender);
        receiver
    }

    fn of(&self, app: &AppId) -> Vec<mpsc::UnboundedSender<Seen>> {
        self.0.lock().get(app).cloned().unwrap_or_default()
    }

    /// A runner that could not be started has no occurrences.
    pub(crate) fn failed(&self, app: &AppId, runner: &RunnerId, revision: &str, reason: &str) {
        for watcher in self.of(app) {
            let (runner, revision) = (runner.clone(), revision.to_owned());
            let _ = watcher.send(Seen { runner, revision, what: What::Failed(reason.to_owned()) });
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
                    let (runner, revision) = (runner.clone(), revision.clone());
                    // Who stopped watching misses nothing.
                    let _ = watcher.send(Seen { runner, revision, what: What::Happened(occurrence.clone()) });
                }
                if sender.send(occurrence).await.is_err() {
                    break;
                }
            }
        });
        Started { address, occurrences: passed, control }
    }
}
