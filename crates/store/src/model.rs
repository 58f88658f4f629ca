//! The records that cross the seam.

mod deployment;
mod record;
mod runner;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tintype_domain::{
    AccountId, AppId, Attempt, ErrorType, KeyId, LogEntry, Outcome, Priority, RequestId, RetryBudget, RunnerId,
    Timestamp,
};

pub use self::{
    deployment::{
        AliasRecord, AuthMode, DeleteRevision, EnvironmentRecord, MAIN_ENVIRONMENT, RevisionRecord, SecretRecord,
    },
    runner::{LogSource, RUNNER_LOG_LINES, RUNNER_RETENTION, RunnerLog, RunnerLogFilter, RunnerRecord},
};
pub(crate) use runner::SWEPT_LINES;

/// How long the feed keeps an event.
pub const EVENT_RETENTION: Duration = Duration::from_hours(30 * 24);
/// How long the record of a direct call is kept; it has no result.
pub const DIRECT_RETENTION: Duration = Duration::from_hours(30 * 24);
/// How long after the end of a request its webhook is tried.
pub const DELIVERY_LIFE: Duration = Duration::from_hours(2);

/// When the sweep comes back to a request whose webhook is still under way.
pub(crate) const SWEEP_AGAIN: Duration = Duration::from_secs(600);

/// A request as it is accepted.
#[derive(Clone, Debug)]
pub struct NewRequest {
    pub id: RequestId,
    pub account: AccountId,
    pub app: AppId,
    /// Path inside the app: empty, or begins with `/`.
    pub path: String,
    pub method: String,
    pub priority: Priority,
    pub submitted_at: Timestamp,
    pub start_deadline: Option<Timestamp>,
    pub hint: Option<String>,
    pub retry: RetryBudget,
    /// Headers to hand to the runner, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub webhook: Option<String>,
    /// `false`: drop payloads as soon as the caller has the result (`X-Fal-Store-IO: 0`).
    pub keep_payloads: bool,
    pub idempotency: Option<Idempotency>,
}

#[derive(Clone, Debug)]
pub struct Idempotency {
    pub key: String,
    /// A digest of method, endpoint and body: the same key with another one is an error.
    pub fingerprint: [u8; 32],
    pub expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    New,
    /// The idempotency key named this earlier request; nothing was written.
    Existing(RequestId),
}

/// What a fresh server must know of a request that was not terminal.
#[derive(Clone, Debug)]
pub struct Pending {
    pub id: RequestId,
    pub account: AccountId,
    pub app: AppId,
    pub path: String,
    pub priority: Priority,
    pub submitted_at: Timestamp,
    pub start_deadline: Option<Timestamp>,
    pub hint: Option<String>,
    pub retry: RetryBudget,
    /// Attempts begun so far.
    pub attempts: u32,
    /// Attempts during which the runner died.
    pub crashes: u32,
    /// An attempt was under way when the server stopped.
    pub running: bool,
}

/// What an attempt sends to the runner.
#[derive(Clone, Debug)]
pub struct StoredRequest {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    Waiting,
    Running,
    Done(Outcome),
}

/// What is known of a request without its payloads.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    pub id: RequestId,
    pub account: AccountId,
    pub app: AppId,
    pub path: String,
    pub priority: Priority,
    pub state: RequestState,
    pub attempts: u32,
    /// Id of the last attempt; equals `id` unless the request was retried.
    pub gateway_request_id: RequestId,
    pub runner: Option<RunnerId>,
    pub submitted_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub status_code: Option<u16>,
    pub error: Option<String>,
    pub error_type: Option<ErrorType>,
    /// When the stored result goes away.
    pub expires_at: Option<Timestamp>,
    /// `true` for calls that did not pass the queue.
    pub direct: bool,
    /// `false`: the result goes as soon as the caller has read it.
    pub keep_payloads: bool,
}

/// The answer that the result route replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// The end of a request.
#[derive(Clone, Debug)]
pub struct Finish {
    pub outcome: Outcome,
    pub response: StoredResponse,
    pub error: Option<String>,
    pub error_type: Option<ErrorType>,
    pub at: Timestamp,
    /// When the result may be dropped.
    pub expires_at: Timestamp,
}

/// A call that did not pass the queue, recorded behind its answer.
#[derive(Clone, Debug)]
pub struct DirectCall {
    pub id: RequestId,
    pub account: AccountId,
    pub app: AppId,
    pub path: String,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub outcome: Outcome,
    pub status_code: Option<u16>,
    pub error_type: Option<ErrorType>,
    pub runner: Option<RunnerId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Submitted,
    Started,
    Requeued,
    Finished,
}

/// One line of the ordered feed. `cursor` only grows, in commit order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub cursor: i64,
    pub request: RequestId,
    pub account: AccountId,
    pub app: AppId,
    pub kind: EventKind,
    pub attempt: Option<Attempt>,
    pub outcome: Option<Outcome>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLog {
    /// Grows within a request.
    pub cursor: i64,
    pub entry: LogEntry,
}

#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    pub account: Option<AccountId>,
    pub app: Option<AppId>,
    /// Only requests that have not ended.
    pub open: bool,
    /// Page backwards: only ids smaller than this.
    pub before: Option<RequestId>,
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyScope {
    Api,
    Admin,
}

#[derive(Clone, Debug)]
pub struct KeyRecord {
    pub id: KeyId,
    pub account: AccountId,
    pub alias: String,
    pub scope: KeyScope,
    /// SHA-256 of the secret: secrets are long and random, so a slow hash would add nothing.
    pub secret_hash: [u8; 32],
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// A webhook that still has to reach its receiver.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub request: RequestId,
    pub gateway_request_id: RequestId,
    pub account: AccountId,
    pub url: String,
    /// Deliveries tried so far.
    pub tries: u32,
    pub give_up_at: Timestamp,
    pub record: RequestRecord,
    pub response: StoredResponse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AclDecision {
    Allow,
    Forbid,
    Hide,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclRule {
    pub user: String,
    pub decision: AclDecision,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    pub default: AclDecision,
    #[serde(default)]
    pub rules: Vec<AclRule>,
}

impl Default for Acl {
    fn default() -> Self {
        Self { default: AclDecision::Allow, rules: Vec::new() }
    }
}

/// A stored file. Its bytes lie in the blob store under `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Unguessable.
    pub id: String,
    pub name: String,
    pub account: AccountId,
    pub content_type: String,
    pub size: u64,
    /// Hex SHA-256 of the bytes; the entity tag.
    pub digest: String,
    pub acl: Acl,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// A file that has an address but not all its bytes yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub id: String,
    pub file: String,
    pub name: String,
    pub account: AccountId,
    pub content_type: String,
    pub acl: Acl,
    /// Life of the file, once it is whole.
    pub lifetime: Option<Duration>,
    pub created_at: Timestamp,
    /// When the unfinished upload is swept.
    pub expires_at: Timestamp,
}
