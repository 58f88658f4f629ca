//! What is remembered of runners, and the lines that they wrote.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tintype_domain::{AccountId, AppId, LogLevel, RequestId, RevisionId, RunnerId, Timestamp};

/// How long a runner that ended is remembered, and how long a line of any runner is kept.
pub const RUNNER_RETENTION: Duration = Duration::from_hours(7 * 24);
/// Most lines that are kept of one runner; older ones make room.
pub const RUNNER_LOG_LINES: u32 = 100_000;

/// Runner lines that a sweep drops where it deals with one request: there are so many more of them.
pub(crate) const SWEPT_LINES: u32 = 20;

/// One runner, from the decision to start it to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerRecord {
    pub runner: RunnerId,
    pub account: AccountId,
    pub app: AppId,
    /// None for an app that was not deployed.
    pub revision: Option<RevisionId>,
    pub machine_type: String,
    /// When it was decided to have it.
    pub created_at: Timestamp,
    /// When its process began.
    pub started_at: Option<Timestamp>,
    /// When it first could serve.
    pub ready_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub reason: Option<String>,
    /// JSON: a list of `{stage, at, detail}`. Opaque here.
    pub timeline: String,
}

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogSource {
    /// The build of an environment.
    Builder,
    /// The platform, while it prepares or ends a runner.
    Bridge,
    /// The app.
    User,
}

/// One line of a runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerLog {
    /// Its place among the lines of its runner, given by the store; 0 in a line that is new.
    pub seq: i64,
    pub runner: RunnerId,
    pub app: AppId,
    pub timestamp: Timestamp,
    pub level: LogLevel,
    pub source: LogSource,
    pub message: String,
    /// The request that it was written for.
    pub request: Option<RequestId>,
    /// The endpoint that it was written in.
    pub endpoint: Option<String>,
}

/// Which lines of a runner are asked for; they come newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerLogFilter {
    pub runner: RunnerId,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before. No two lines of a runner have the same time, so the time of the last line of a page is where the next begins.
    pub until: Option<Timestamp>,
    /// Only lines that hold this text; case does not matter in ASCII.
    pub search: Option<String>,
    pub limit: u32,
}
