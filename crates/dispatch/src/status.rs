//! What dispatch answers about requests and runners.

use std::time::Duration;

use serde::Serialize;
use tintype_domain::{
    AccountId, AppId, RequestId, RevisionId, RunnerId, Timestamp,
    app::{Cause, Replacement, RunnerPhase, Step},
};
use tintype_store::{EnqueueError, RequestRecord, StoreError};

/// An accepted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The id of the earlier request when this one repeats its idempotency key.
    pub id: RequestId,
    /// Requests ahead of it.
    pub queue_position: u32,
    pub new: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error("no app `{app}` runs here")]
    UnknownApp { app: AppId },
    #[error("{waiting} requests wait on this app, and the request asked for at most {limit}")]
    QueueFull { waiting: u32, limit: u32 },
    #[error("idempotency key was used before for request `{existing}` with different content")]
    KeyReused { existing: RequestId },
    #[error("the server is being stopped and accepts no new requests")]
    Stopping,
    #[error(transparent)]
    Store(StoreError),
}

impl From<EnqueueError> for SubmitError {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::KeyReused { existing } => Self::KeyReused { existing },
            EnqueueError::Store(source) => Self::Store(source),
        }
    }
}

/// Where a request stands.
#[derive(Clone, Debug)]
pub struct Status {
    pub record: RequestRecord,
    /// Requests ahead of it, while it waits.
    pub queue_position: Option<u32>,
    pub waiting: Option<Waiting>,
    /// Grows with each change of state.
    pub version: u64,
}

/// Why a request waits, for the one who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    pub cause: Cause,
    pub since: Timestamp,
    pub detail: String,
    pub next: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It waited; now it is cancelled for good.
    Removed,
    /// It is under way; its runner was asked to stop, and it may still complete.
    Requested,
    AlreadyCompleted,
    NotFound,
}

/// A runner as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunnerView {
    pub runner: RunnerId,
    pub app: AppId,
    pub owner: AccountId,
    pub revision: Option<RevisionId>,
    pub machine_type: Option<String>,
    pub state: RunnerPhase,
    /// What a start is doing.
    pub stage: Option<String>,
    pub in_flight: Vec<InFlight>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Since when it is starting, or ready.
    pub since: Timestamp,
    /// An idle runner is ended after this long without a request, if nothing demands it.
    pub expires_in: Option<Duration>,
    pub replacement: Replacement,
    pub timeline: Vec<Step>,
    /// Why it was replaced or is being ended; of an app in back-off, why its last start came to nothing.
    pub last_failure: Option<String>,
}

/// A request on a runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InFlight {
    pub request: RequestId,
    pub account: AccountId,
    pub since: Timestamp,
}
