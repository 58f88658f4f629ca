//! What is kept, and the transactions that keep it.
//!
//! [`Store`] is the seam: domain operations, each one transaction, never a generic query. A call
//! that returns `Ok` is on stable storage. Every write by an attempt names that attempt; a late
//! report changes nothing and is told so. SQLite fills the seam in the box; [`MemoryStore`] is the
//! same in a few lines, for simulations and as the yardstick of the others.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod memory;
mod model;
mod seam;
pub mod sqlite;

pub use error::{EnqueueError, StoreError};
pub use memory::MemoryStore;
pub use model::{
    Acl, AclDecision, AclRule, AliasRecord, AuthMode, DELIVERY_LIFE, DIRECT_RETENTION, DeleteRevision, Delivery,
    DirectCall, EVENT_RETENTION, Enqueued, EnvironmentRecord, Event, EventKind, FileRecord, Finish, Idempotency,
    KeyRecord, KeyScope, LogSource, MAIN_ENVIRONMENT, NewRequest, Pending, RUNNER_LOG_LINES, RUNNER_RETENTION,
    RequestFilter, RequestRecord, RequestState, RevisionRecord, RunnerLog, RunnerLogFilter, RunnerRecord, SecretRecord,
    StoredLog, StoredRequest, StoredResponse, Upload,
};
pub(crate) use model::{SWEEP_AGAIN, SWEPT_LINES};
pub use seam::{Deployments, RunnerHistory, Store};
pub use sqlite::SqliteStore;
