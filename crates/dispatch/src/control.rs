//! Apps come, change and go, and their runners with them.

use std::sync::Arc;

use tintype_domain::{
    AccountId, AppId, RunnerId,
    app::{Spec, Strategy},
};
use tintype_store::RunnerLog;
use tokio::sync::{broadcast, oneshot};

use crate::{AppDefinition, Dispatch, RegisterError, UnknownApp, UnknownRunner};

/// A new definition on its way to take the place of the old one. Dropping it does not stop it.
#[derive(Debug)]
pub struct Rollout(oneshot::Receiver<Result<(), RolloutFailed>>);

/// The old definition stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RolloutFailed {
    pub reason: String,
}

impl Rollout {
    /// Resolves when traffic goes to the new definition, or when it is certain that it will not.
    pub async fn finished(self) -> Result<(), RolloutFailed> {
        let lost = || RolloutFailed { reason: "the server was stopped before the rollout ended".into() };
        self.0.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Dispatch {
    /// A new app; takes up what the store holds for it.
    pub async fn register(&self, definition: AppDefinition) -> Result<(), RegisterError> {
        todo!("{definition:?}")
    }

    /// A new definition of an app.
    pub fn replace(&self, definition: AppDefinition, strategy: Strategy) -> Result<Rollout, UnknownApp> {
        todo!("{definition:?} {strategy:?}")
    }

    /// The same definition with fresh runners; `force` kills the old ones instead of letting them finish.
    pub fn restart(&self, app: &AppId, force: bool) -> Result<Rollout, UnknownApp> {
        todo!("{app:?} {force}")
    }

    /// Other scaling and limits, at once.
    pub fn retune(&self, app: &AppId, spec: Spec) -> Result<(), UnknownApp> {
        todo!("{app:?} {spec:?}")
    }

    /// Waiting requests end as failed, runners are asked to end within their grace; then the app is unknown.
    pub async fn remove(&self, app: &AppId) -> Result<(), UnknownApp> {
        todo!("{app:?}")
    }

    /// Ends a runner when its requests have ended; `replace_first`: only once another is ready.
    pub fn stop_runner(&self, runner: &RunnerId, replace_first: bool) -> Result<(), UnknownRunner> {
        todo!("{runner:?} {replace_first}")
    }

    /// Ends a runner now; its queued requests run again elsewhere.
    pub fn kill_runner(&self, runner: &RunnerId) -> Result<(), UnknownRunner> {
        todo!("{runner:?}")
    }

    /// Every line of every runner from now on; a listener that is too slow is told how many it missed.
    pub fn tail(&self) -> broadcast::Receiver<Arc<RunnerLog>> {
        todo!()
    }

    /// A rollout is under way.
    pub fn is_rolling(&self, app: &AppId) -> bool {
        todo!("{app:?}")
    }

    /// How many requests of whom wait on an app.
    pub fn queue(&self, app: &AppId) -> Option<Vec<(AccountId, usize)>> {
        todo!("{app:?}")
    }

    /// Cancels the queued requests that wait on an app, of one account or of all; returns how many it cancelled.
    pub async fn flush(&self, app: &AppId, account: Option<&AccountId>) -> usize {
        todo!("{app:?} {account:?}")
    }
}
