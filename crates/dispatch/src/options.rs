//! What dispatch is given: its options, its surroundings and the apps to run.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use tintype_domain::{AccountId, AppId, Clock, RevisionId, RunnerId, app::Spec};
use tintype_launch::{Command, Launcher};
use tintype_store::{Store, StoreError};

/// An app, and how a runner of it is started.
#[derive(Clone, Debug)]
pub struct AppDefinition {
    pub app: AppId,
    /// Whose app it is.
    pub owner: AccountId,
    pub revision: Option<RevisionId>,
    /// For people: what kind of machine a runner counts as.
    pub machine_type: Option<String>,
    pub spec: Spec,
    pub command: Command,
    /// Resident memory of one runner.
    pub memory_limit_bytes: Option<u64>,
}

impl AppDefinition {
    /// An app of the platform itself: its owner is the first part of its name.
    pub fn native(app: AppId, spec: Spec, command: Command, memory_limit_bytes: Option<u64>) -> Self {
        let owner = AccountId::new(app.owner());
        Self { app, owner, revision: None, machine_type: None, spec, command, memory_limit_bytes }
    }

    /// The same for two definitions whose runners are interchangeable. A program of this house is also told by its
    /// file: another build is another program.
    pub(crate) fn mark(&self) -> String {
        let Self { revision, machine_type, command, memory_limit_bytes, .. } = self;
        let built = std::fs::metadata(&command.program).ok().filter(|_| revision.is_none());
        let built = built.map(|file| (file.len(), file.modified().ok()));
        let grace = self.spec.termination_grace_period;
        let mut hasher = DefaultHasher::new();
        format!("{:?}", (revision, machine_type, command, memory_limit_bytes, built, grace)).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

#[derive(Clone, Debug)]
pub struct Options {
    /// How long a direct call waits for a slot.
    pub direct_wait: Duration,
    /// How long the result of a queued request is kept after its end.
    pub result_retention: Duration,
    /// Largest answer, in bytes, that is kept for a queued request.
    pub max_result_bytes: usize,
    /// Bytes of request bodies kept in memory for requests that wait; larger queues are read back from the store.
    pub body_cache_bytes: usize,
    /// How long requests under way may go on once the service is told to stop.
    pub stop_grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            direct_wait: Duration::from_secs(600),
            result_retention: Duration::from_secs(30 * 24 * 3600),
            max_result_bytes: 64 << 20,
            body_cache_bytes: 16 << 20,
            stop_grace: Duration::from_secs(10),
        }
    }
}

/// Mints the token by which a runner acts for the caller; the second argument is the wished lifecycle of its files.
pub type CdnToken = Arc<dyn Fn(&AccountId, Option<&str>) -> String + Send + Sync>;

/// The surroundings.
#[derive(Clone)]
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub launcher: Arc<dyn Launcher>,
    pub clock: Arc<dyn Clock>,
    pub options: Options,
    pub cdn_token: CdnToken,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("app `{app}` is defined twice")]
    DefinedTwice { app: AppId },
    #[error("could not read the requests that were open when the server stopped")]
    Recovery(#[source] StoreError),
}

/// An app was not taken up.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("app `{app}` runs here already: replace it instead")]
    Exists { app: AppId },
    #[error("the server is being stopped and takes no new apps")]
    Stopping,
    #[error("could not read the requests that wait for app `{app}`")]
    Recovery { app: AppId, source: StoreError },
}

#[derive(Debug, thiserror::Error)]
#[error("no app `{app}` runs here")]
pub struct UnknownApp {
    pub app: AppId,
}

#[derive(Debug, thiserror::Error)]
#[error("no runner `{runner}` lives here")]
pub struct UnknownRunner {
    pub runner: RunnerId,
}
