//! Open requests of apps that do not run here: kept until the apps do, cancelled when asked, ended when their app is
//! known to be no more.

use tintype_domain::{AppId, Attempt, ErrorType, Failure, Outcome, RequestId, app::End};
use tintype_store::{Pending, StoreError};

use crate::{CancelAnswer, Dispatch, answer};

impl Dispatch {
    /// Ends the requests that wait for apps that are no more; returns how many there were.
    pub async fn end_orphans(&self, gone: impl Fn(&AppId) -> bool) -> Result<usize, StoreError> {
        let mut ended = 0;
        for orphan in self.take_orphans(gone) {
            let by = orphan.running.then_some(Attempt(orphan.attempts));
            let detail = "the app was deleted before the request was done";
            let failure = Failure::new(ErrorType::RunnerSchedulingFailure, detail);
            ended += usize::from(self.end_orphan(orphan.id, by, Outcome::Failed, failure).await?);
        }
        Ok(ended)
    }

    fn take_orphans(&self, gone: impl Fn(&AppId) -> bool) -> Vec<Pending> {
        let mut orphans = self.house.orphans.lock();
        let apps: Vec<_> = orphans.keys().filter(|app| gone(app)).cloned().collect();
        apps.iter().filter_map(|app| orphans.remove(app)).flatten().collect()
    }

    pub(crate) async fn cancel_orphan(&self, id: RequestId, by: Option<Attempt>) -> Result<CancelAnswer, StoreError> {
        let failure = Failure::new(ErrorType::ClientCancelled, "the request was cancelled");
        let removed = self.end_orphan(id, by, Outcome::Cancelled, failure).await?;
        Ok(if removed { CancelAnswer::Removed } else { CancelAnswer::AlreadyCompleted })
    }

    async fn end_orphan(
        &self,
        id: RequestId,
        by: Option<Attempt>,
        outcome: Outcome,
        failure: Failure,
    ) -> Result<bool, StoreError> {
        let end = End::Failure { outcome, failure };
        let finish = answer::finish(&end, None, self.house.day(), self.house.parts.options.result_retention);
        let ended = self.house.parts.store.finish(id, by, finish).await?;
        self.house.watchers.notify(id);
        Ok(ended)
    }
}
