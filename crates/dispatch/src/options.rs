//! What dispatch is given: its options, its surroundings and the apps to run.

use std::{sync::Arc, time::Duration};

use tintype_domain::{AccountId, AppId, Clock, app::Spec};
use tintype_launch::{Command, Launcher};
use tintype_store::{Store, StoreError};

/// An app, and how a runner of it is started.
#[derive(Clone, Debug)]
pub struct AppDefinition {
    pub app: AppId,
    pub spec: Spec,
    pub command: Command,
    /// Resident memory of one runner.
    pub memory_limit_bytes: Option<u64>,
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
