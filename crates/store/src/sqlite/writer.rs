//! The one writer: a thread that takes whatever has gathered in its channel, carries it out in one
//! transaction, and answers everybody after the commit. Nothing waits to be gathered: while one commit
//! flushes, the next batch comes together by itself.

use rusqlite::Connection;
use tokio::sync::{mpsc, watch};

use super::{
    failure::store_error,
    folder::FolderLock,
    operation::{Operation, Writing},
};

/// Most operations in one transaction: keeps the wait of the first one short.
const BATCH: usize = 1024;

pub(super) struct Writer {
    pub(super) writing: Writing,
    pub(super) inbox: mpsc::Receiver<Box<dyn Operation>>,
    /// Counts the commits with which webhooks became due.
    pub(super) deliveries_made: watch::Sender<u64>,
    /// Let go of last, after the connection has closed.
    pub(super) lock: FolderLock,
}

impl Writer {
    /// Ends when every sender is gone and all they sent is answered.
    pub(super) fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.inbox.blocking_recv_many(&mut batch, BATCH) > 0 {
            self.carry_out(std::mem::take(&mut batch));
        }
        let Self { writing, lock, .. } = self;
        if let Err((_, error)) = writing.connection.close() {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not close the database cleanly");
        }
        drop(lock);
    }

    fn carry_out(&mut self, mut batch: Vec<Box<dyn Operation>>) {
        match self.together(&mut batch) {
            Ok(()) => {
                if std::mem::take(&mut self.writing.delivery_made) {
                    self.deliveries_made.send_modify(|made| *made += 1);
                }
                batch.into_iter().for_each(Operation::committed);
            }
            // One that is too big for the disk must not take the others with it.
            Err(_) if batch.len() > 1 => batch.into_iter().for_each(|operation| self.carry_out(vec![operation])),
            Err(error) => {
                for (operation, error) in batch.into_iter().zip([store_error(error)]) {
                    operation.failed(error);
                }
            }
        }
    }

    /// Everything in one transaction; an operation that fails by itself undoes only its own work.
    fn together(&mut self, batch: &mut [Box<dyn Operation>]) -> rusqlite::Result<()> {
        let outcome = self.try_together(batch);
        if outcome.is_err() {
            self.writing.undone();
            // Fails only where SQLite has rolled back already.
            let _ = self.writing.connection.execute_batch("ROLLBACK");
        }
        outcome
    }

    fn try_together(&mut self, batch: &mut [Box<dyn Operation>]) -> rusqlite::Result<()> {
        run(&self.writing.connection, "BEGIN IMMEDIATE")?;
        for operation in batch {
            run(&self.writing.connection, "SAVEPOINT operation")?;
            if let Err(error) = operation.apply(&mut self.writing) {
                // A full disk and the like end the whole transaction.
                if self.writing.connection.is_autocommit() || concerns_all(&error) {
                    return Err(error);
                }
                run(&self.writing.connection, "ROLLBACK TO operation")?;
                self.writing.undone();
                operation.refuse(store_error(error));
            }
            run(&self.writing.connection, "RELEASE operation")?;
        }
        run(&self.writing.connection, "COMMIT")
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn concerns_all(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DiskFull, OutOfMemory, ReadOnly, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(DiskFull | OutOfMemory | ReadOnly | SystemIoFailure))
}
