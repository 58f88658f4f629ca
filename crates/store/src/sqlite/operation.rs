//! One write, as it travels to the writer and its answer back.

use rusqlite::{Connection, Params};
use tintype_domain::RequestId;
use tokio::sync::oneshot;

use crate::StoreError;

/// What an operation works with while its transaction is open.
pub(super) struct Writing {
    pub(super) connection: Connection,
    /// Cursor of the newest event. An operation that is undone leaves a gap, never a repeat.
    pub(super) cursor: i64,
    /// Log lines of requests up to this one have been looked at by the sweep, and are not stray.
    pub(super) no_stray_up_to: Option<RequestId>,
    /// A webhook has become due. To say so once too often does no harm.
    pub(super) delivery_made: bool,
}

impl Writing {
    /// The number of rows changed comes back.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    /// What was remembered of a transaction that has been undone did not happen.
    pub(super) fn undone(&mut self) {
        self.no_stray_up_to = None;
    }

    pub(super) fn next_cursor(&mut self) -> i64 {
        self.cursor += 1;
        self.cursor
    }
}

/// May be applied more than once, each time from the same state: what a transaction that failed has done is undone.
pub(super) trait Operation: Send {
    fn apply(&mut self, writing: &mut Writing) -> rusqlite::Result<()>;
    /// It failed by itself and is undone; the rest of its batch goes on.
    fn refuse(&mut self, error: StoreError);
    fn committed(self: Box<Self>);
    /// Its transaction failed.
    fn failed(self: Box<Self>, error: StoreError);
}

/// An operation made of a closure and the caller who waits for its value.
pub(super) struct Write<T, F> {
    work: F,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Writing) -> rusqlite::Result<T> + Send + 'static,
{
    pub(super) fn new(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { work, outcome: None, reply }
    }
}

// A caller who has gone away needs no answer: the sends below may fail.
impl<T, F> Operation for Write<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Writing) -> rusqlite::Result<T> + Send + 'static,
{
    fn apply(&mut self, writing: &mut Writing) -> rusqlite::Result<()> {
        self.outcome = Some(Ok((self.work)(writing)?));
        Ok(())
    }

    fn refuse(&mut self, error: StoreError) {
        self.outcome = Some(Err(error));
    }

    fn committed(self: Box<Self>) {
        let _ = self.reply.send(self.outcome.unwrap_or(Err(StoreError::Closed)));
    }

    fn failed(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}
