//! The readers: a few threads, each with a connection of its own. A thread takes what has gathered and
//! answers it from one snapshot, which is taken after the last of it arrived: whoever has seen a write
//! acknowledged reads it.

use std::{collections::VecDeque, path::Path, sync::Arc, thread};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{connection, failure::store_error};
use crate::StoreError;

/// More than two only move the contention into the page cache; a slow list must not hold up the point reads, though.
const THREADS: usize = 3;
/// Most reads from one snapshot, so that one thread does not take everything.
const BATCH: usize = 64;

type Job = Box<dyn FnOnce(&Connection) + Send>;

pub(super) struct Readers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    // Bounded by the callers: each waits for its one read.
    waiting: Mutex<Waiting>,
    arrival: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Readers {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let readers = Self { queue: Arc::default(), threads: Mutex::default() };
        for _ in 0..THREADS {
            let (queue, connection) = (Arc::clone(&readers.queue), connection::open_reader(path)?);
            readers.threads.lock().push(thread::spawn(move || queue.serve(&connection)));
        }
        Ok(readers)
    }

    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Box::new(move |connection| {
            // A reader that has gone away needs no answer.
            let _ = reply.send(work(connection).map_err(store_error));
        }))?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Answers what has arrived, then closes the connections.
    pub(super) fn close(&self) {
        self.queue.waiting.lock().closed = true;
        self.queue.arrival.notify_all();
        for thread in self.threads.lock().drain(..) {
            // A thread that panicked has closed its connection while it unwound.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(StoreError::Closed);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.arrival.notify_one();
        Ok(())
    }

    fn serve(&self, connection: &Connection) {
        let _guard = CloseOnPanic(self);
        while let Some(jobs) = self.next() {
            // Without a transaction each statement has a snapshot of its own, which is worse but not wrong.
            let one_snapshot = connection.execute_batch("BEGIN").is_ok();
            for job in jobs {
                job(connection);
            }
            if one_snapshot {
                // Nothing was written, so nothing can be lost.
                let _ = connection.execute_batch("COMMIT");
            }
        }
    }

    fn next(&self) -> Option<Vec<Job>> {
        let mut waiting = self.waiting.lock();
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return None;
            }
            self.arrival.wait(&mut waiting);
        }
        let share = waiting.jobs.len().min(BATCH);
        Some(waiting.jobs.drain(..share).collect())
    }
}

/// A read that panics must not leave others waiting for a thread that is gone.
struct CloseOnPanic<'a>(&'a Queue);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut waiting = self.0.waiting.lock();
            waiting.closed = true;
            // Dropping a job tells its caller `Closed`.
            waiting.jobs.clear();
            self.0.arrival.notify_all();
        }
    }
}
