//! The seam of what is remembered of runners, filled.

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, RunnerId, Timestamp};

use super::{logs, records};
use crate::{RunnerHistory, RunnerLog, RunnerLogFilter, RunnerRecord, SqliteStore, StoreError};

#[async_trait]
impl RunnerHistory for SqliteStore {
    async fn put_runner(&self, runner: RunnerRecord) -> Result<(), StoreError> {
        self.write(move |writing| records::put(writing, &runner)).await
    }

    async fn runner(&self, id: &RunnerId) -> Result<Option<RunnerRecord>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| records::find(connection, &id)).await
    }

    async fn ended_runners(
        &self,
        account: &AccountId,
        app: Option<&AppId>,
        since: Timestamp,
    ) -> Result<Vec<RunnerRecord>, StoreError> {
        let (account, app) = (account.clone(), app.cloned());
        self.readers.read(move |connection| records::ended(connection, &account, app.as_ref(), since)).await
    }

    async fn close_runners(&self, now: Timestamp, reason: &str, living: &[RunnerId]) -> Result<u32, StoreError> {
        let (reason, living) = (reason.to_owned(), living.to_vec());
        self.write(move |writing| records::close(writing, now, &reason, &living)).await
    }

    async fn append_runner_logs(&self, lines: Vec<RunnerLog>) -> Result<(), StoreError> {
        self.write(move |writing| logs::append(writing, &lines)).await
    }

    async fn runner_logs(&self, filter: RunnerLogFilter) -> Result<Vec<RunnerLog>, StoreError> {
        self.readers.read(move |connection| logs::read(connection, &filter)).await
    }
}
