//! SQLite, inside the process: one writer with group commit, readers beside it.
//!
//! The write-ahead log is flushed before anything is acknowledged. The folder is locked for as long
//! as the store is open. Statements live beside the operation that they serve; nothing here offers a
//! general query.

mod columns;
mod connection;
mod deployments;
mod failure;
mod feed;
mod files;
mod folder;
mod keys;
mod operation;
mod readers;
mod requests;
mod runners;
mod schema;
mod seam;
mod sweep;
mod uploads;
mod webhooks;
mod writer;

use std::{
    path::{Path, PathBuf},
    thread,
};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

pub use folder::FolderError;

use self::{
    folder::FolderLock,
    operation::{Operation, Write, Writing},
    readers::Readers,
    schema::SchemaError,
    writer::Writer,
};
use crate::StoreError;

const DATABASE_NAME: &str = "tintype.db";
/// Writes that may wait for the writer; more callers than that wait for a place.
const WAITING_WRITES: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("the database {} cannot be used: it was written by a newer version (schema {found}; this one knows {known}): update, or choose another folder with --data", path.display())]
    Newer { path: PathBuf, found: usize, known: usize },
    #[error("the database {} cannot be opened", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("could not start the thread that writes")]
    Thread(#[source] std::io::Error),
}

/// The store in a data folder.
pub struct SqliteStore {
    writes: Mutex<Option<mpsc::Sender<Box<dyn Operation>>>>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
    readers: Readers,
    deliveries_made: watch::Receiver<u64>,
}

/// Opens the store in `folder`, made where it is missing; brings an older one up to date.
pub fn open(folder: &Path) -> Result<SqliteStore, OpenError> {
    let lock = FolderLock::take(folder)?;
    let path = folder.join(DATABASE_NAME);
    let writing = open_writing(&path)?;
    let readers = Readers::open(&path).map_err(|source| OpenError::Database { path, source })?;
    let (sender, inbox) = mpsc::channel(WAITING_WRITES);
    let (made, deliveries_made) = watch::channel(0);
    let service = Writer { writing, inbox, deliveries_made: made, lock };
    let thread =
        thread::Builder::new().name("store-writer".into()).spawn(|| service.run()).map_err(OpenError::Thread)?;
    let writes = Mutex::new(Some(sender));
    Ok(SqliteStore { writes, writer: Mutex::new(Some(thread)), readers, deliveries_made })
}

fn open_writing(path: &Path) -> Result<Writing, OpenError> {
    let wrong = |source| OpenError::Database { path: path.to_owned(), source };
    let mut connection = connection::open_writer(path).map_err(wrong)?;
    schema::migrate(&mut connection).map_err(|error| match error {
        SchemaError::Newer { found, known } => OpenError::Newer { path: path.to_owned(), found, known },
        SchemaError::Database(source) => wrong(source),
    })?;
    let cursor = feed::newest_cursor(&connection).map_err(wrong)?;
    Ok(Writing { connection, cursor, no_stray_up_to: None, delivery_made: false })
}

impl SqliteStore {
    /// Carries out what has been asked for so far, then closes; from then on everything is refused with `Closed`.
    /// Blocks the thread for as long as that takes. Dropping the store does the same.
    pub fn close(&self) {
        self.readers.close();
        drop(self.writes.lock().take());
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            // Whoever waited was told `Closed`; the next start finds what was committed.
            tracing::error!("the thread that writes ended by a panic");
        }
    }

    /// Whether writes can still be taken.
    fn writable(&self) -> bool {
        self.writes.lock().as_ref().is_some_and(|writes| !writes.is_closed())
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Writing) -> rusqlite::Result<T> + Send + 'static,
    {
        let Some(writes) = self.writes.lock().clone() else { return Err(StoreError::Closed) };
        let (reply, answer) = oneshot::channel();
        writes.send(Box::new(Write::new(work, reply))).await.map_err(|_| StoreError::Closed)?;
        drop(writes);
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests;
