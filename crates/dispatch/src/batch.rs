//! Records written behind the work that they tell of, many in one commit.

use std::{
    future::Future,
    mem,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tintype_store::StoreError;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long a record waits for company.
const LINGER: Duration = Duration::from_millis(25);
const RETRY: Duration = Duration::from_secs(1);
/// While the store cannot be written, the oldest records beyond this many are dropped, and counted.
const MOST_KEPT: usize = 100_000;

/// Records in memory on their way to the store.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    what: &'static str,
    kept: Mutex<Vec<T>>,
    /// Records for which there was no room.
    lost: AtomicUsize,
    arrived: Notify,
    /// Held while writing, so that records reach the store in order.
    writing: AsyncMutex<()>,
}

impl<T: Clone> Batch<T> {
    pub fn new(what: &'static str) -> Self {
        Self {
            what,
            kept: Mutex::default(),
            lost: AtomicUsize::new(0),
            arrived: Notify::new(),
            writing: AsyncMutex::default(),
        }
    }

    pub fn push(&self, record: T) {
        let mut kept = self.kept.lock();
        // They come faster than they can be written, for long.
        if kept.len() >= MOST_KEPT {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        kept.push(record);
        if kept.len() == 1 {
            self.arrived.notify_one();
        }
    }

    pub fn any(&self, wanted: impl Fn(&T) -> bool) -> bool {
        self.kept.lock().iter().any(wanted)
    }

    /// Writes everything that was pushed before the call. What could not be written is kept.
    pub async fn flush<F>(&self, write: impl Fn(Vec<T>) -> F) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let _writing = self.writing.lock().await;
        let records = mem::take(&mut *self.kept.lock());
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            warn!(lost, "the store cannot keep up: dropped {lost} {}", self.what);
        }
        if records.is_empty() {
            return Ok(());
        }
        let written = write(records.clone()).await;
        if written.is_err() {
            self.take_back(records);
        }
        written
    }

    fn take_back(&self, mut records: Vec<T>) {
        let mut kept = self.kept.lock();
        records.append(&mut kept);
        let excess = records.len().saturating_sub(MOST_KEPT);
        if excess > 0 {
            records.drain(..excess);
            warn!(lost = excess, "the store cannot be written: dropped the {excess} oldest {}", self.what);
        }
        *kept = records;
    }

    /// Flushes soon after each arrival, until `stop`.
    pub async fn run<F>(&self, write: impl Fn(Vec<T>) -> F, stop: CancellationToken)
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        while stop.run_until_cancelled(self.arrived.notified()).await.is_some() {
            let mut pause = LINGER;
            loop {
                tokio::time::sleep(pause).await;
                match self.flush(&write).await {
                    Ok(()) => break,
                    Err(error) if stop.is_cancelled() => return warn!("lost {}: {error}", self.what),
                    Err(error) => warn!("could not write {}, which are kept for now: {error}", self.what),
                }
                pause = RETRY;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_could_not_be_written_is_written_later_and_in_order() {
        let batch = Batch::new("numbers");
        let written = Mutex::new(Vec::new());
        batch.push(1);
        let refused = batch.flush(|_| async { Err(StoreError::DiskFull) }).await;
        assert!(matches!(refused, Err(StoreError::DiskFull)));
        batch.push(2);
        assert!(batch.any(|number| *number == 1));
        batch
            .flush(|mut numbers| {
                written.lock().append(&mut numbers);
                async { Ok(()) }
            })
            .await
            .unwrap();
        assert_eq!(*written.lock(), [1, 2]);
        assert!(!batch.any(|_| true));
    }
}
