//! The operations on what is remembered of runners.

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, RunnerId, Timestamp};

use crate::{RunnerLog, RunnerLogFilter, RunnerRecord, StoreError};

/// As with [`crate::Store`]: what writes is one transaction.
#[async_trait]
pub trait RunnerHistory: Send + Sync + 'static {
    /// Writes down what is known of a runner, in place of what was known. A record that says that the runner lives
    /// changes nothing once its end is known: it is late.
    async fn put_runner(&self, runner: RunnerRecord) -> Result<(), StoreError>;
    async fn runner(&self, id: &RunnerId) -> Result<Option<RunnerRecord>, StoreError>;
    /// Runners that ended at `since` or later, the last to end first.
    async fn ended_runners(
        &self,
        account: &AccountId,
        app: Option<&AppId>,
        since: Timestamp,
    ) -> Result<Vec<RunnerRecord>, StoreError>;
    /// Ends every runner whose end is not known, but for those that live: what a server that died has left. Their
    /// number comes back. A reason that is known stays.
    async fn close_runners(&self, now: Timestamp, reason: &str, living: &[RunnerId]) -> Result<u32, StoreError>;
    /// Lines keep the order in which they come: one that is not later than the line before it is set one microsecond
    /// behind that one.
    async fn append_runner_logs(&self, lines: Vec<RunnerLog>) -> Result<(), StoreError>;
    /// Newest first.
    async fn runner_logs(&self, filter: RunnerLogFilter) -> Result<Vec<RunnerLog>, StoreError>;
}
