//! Who wants to hear of changes to which request.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tintype_domain::RequestId;
use tokio::sync::watch;

/// An entry lives as long as somebody watches.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<HashMap<RequestId, watch::Sender<u64>>>);

impl Watchers {
    pub fn watch(self: &Arc<Self>, id: RequestId) -> Watch {
        let mut watched = self.0.lock();
        let changes = watched.entry(id).or_insert_with(|| watch::channel(0).0).subscribe();
        Watch { id, changes, watchers: self.clone() }
    }

    pub fn notify(&self, id: RequestId) {
        if let Some(sender) = self.0.lock().get(&id) {
            sender.send_modify(|changes| *changes += 1);
        }
    }
}

/// Hears of changes to one request.
#[derive(Debug)]
pub struct Watch {
    id: RequestId,
    changes: watch::Receiver<u64>,
    watchers: Arc<Watchers>,
}

impl Watch {
    /// Resolves after the next change of state or new log line since the last call (the first: since `watch`).
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // Cannot happen while this watch holds its entry; if it did, nothing would change any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.watchers.0.lock();
        // Under the lock nobody can subscribe; the one receiver left is this one.
        if watched.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tintype_domain::Timestamp;

    use super::*;

    #[tokio::test]
    async fn every_watcher_hears_a_change_once_and_nothing_stays_behind() {
        let watchers = Arc::new(Watchers::default());
        let (one, other) = (RequestId::new(Timestamp::EPOCH, [1; 10]), RequestId::new(Timestamp::EPOCH, [2; 10]));
        let mut all: Vec<_> = (0..3).map(|_| watchers.watch(one)).collect();
        let mut bystander = watchers.watch(other);
        watchers.notify(one);
        for watch in &mut all {
            watch.changed().await;
            assert!(watch.changed().now_or_never().is_none());
        }
        assert!(bystander.changed().now_or_never().is_none());
        drop((all, bystander));
        assert!(watchers.0.lock().is_empty());
    }
}
