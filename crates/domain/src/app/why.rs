//! Why a request waits, as a fact of the state.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What holds a waiting request up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Every slot is in use.
    Capacity,
    /// A runner is being started.
    ColdStart,
    /// Runners failed to start; the next try waits.
    CrashLoop,
    /// Its account runs as many requests on this app as it may.
    AccountLimit,
    /// An attempt came to nothing; the next one waits.
    Retry,
    /// The server is being stopped; the request is kept for the next start.
    Stopping,
}

/// The answer to "why does it wait": cause, since when, the particulars, and what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    pub cause: Cause,
    pub since: Timestamp,
    pub detail: String,
    pub next: String,
}
