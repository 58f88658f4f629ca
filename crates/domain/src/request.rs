//! What a request asks for and how it can end.

use serde::{Deserialize, Serialize};

use crate::{ErrorType, Failure, Timestamp};

/// `Low` runs only when nothing `Normal` waits on the same app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

/// How a request ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    Failed,
    Cancelled,
    /// Its start deadline passed before an attempt began.
    Expired,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// What one attempt came to, as far as retries and the runner's health are concerned. The body of
/// an answer travels beside it and never through a state machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The runner answered. `needs_retry` is the runner's own word (`x-fal-needs-retry`).
    Answered { status: u16, needs_retry: Option<bool>, stop_runner: bool },
    /// The platform could not get a whole answer.
    Broken(Failure),
}

/// How many extra attempts each condition may cost; `None` is the platform's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryBudget {
    /// `X-Fal-No-Retry`: wins over everything below.
    pub never: bool,
    pub server_error: Option<u32>,
    pub timeout: Option<u32>,
    pub connection_error: Option<u32>,
}

impl RetryBudget {
    /// The ceiling over all conditions, the first attempt counted in.
    pub const MAX_ATTEMPTS: u32 = 10;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    Stderr,
    Stdout,
    Error,
    Info,
    Warn,
    Debug,
}

/// One line that a model wrote while it worked on a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub timestamp: Timestamp,
    pub level: LogLevel,
    pub message: String,
}

impl Verdict {
    pub fn broken(error_type: ErrorType, detail: impl Into<String>) -> Self {
        Self::Broken(Failure::new(error_type, detail))
    }
}
