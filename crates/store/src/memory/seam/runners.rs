//! The seam of what is remembered of runners, filled by the tables.

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, RunnerId, Timestamp};

use crate::{MemoryStore, RunnerHistory, RunnerLog, RunnerLogFilter, RunnerRecord, StoreError};

#[async_trait]
impl RunnerHistory for MemoryStore {
    async fn put_runner(&self, runner: RunnerRecord) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.put_runner(runner);
            Ok(())
        })
    }

    async fn runner(&self, id: &RunnerId) -> Result<Option<RunnerRecord>, StoreError> {
        Ok(self.read(|tables| tables.runners.get(id).cloned()))
    }

    async fn ended_runners(
        &self,
        account: &AccountId,
        app: Option<&AppId>,
        since: Timestamp,
    ) -> Result<Vec<RunnerRecord>, StoreError> {
        let wanted = |runner: &RunnerRecord| {
            runner.account == *account
                && app.is_none_or(|app| runner.app == *app)
                && runner.ended_at.is_some_and(|at| at >= since)
        };
        Ok(self.read(|tables| tables.ended_runners(wanted)))
    }

    async fn close_runners(&self, now: Timestamp, reason: &str, living: &[RunnerId]) -> Result<u32, StoreError> {
        self.write(|tables| Ok(tables.close_runners(now, reason, living)))
    }

    async fn append_runner_logs(&self, lines: Vec<RunnerLog>) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.append_runner_logs(lines);
            Ok(())
        })
    }

    async fn runner_logs(&self, filter: RunnerLogFilter) -> Result<Vec<RunnerLog>, StoreError> {
        Ok(self.read(|tables| tables.runner_logs(&filter)))
    }
}
