//! The machine as seen from outside.

use serde::{Deserialize, Serialize};

use super::{App, fleet::Life};
use crate::{RequestId, RunnerId, Timestamp};

/// Where a runner is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerPhase {
    /// Nothing runs yet.
    Pending,
    /// Its process runs and is not ready.
    Setup,
    Idle,
    Running,
    /// Takes nothing new, and ends with its last request.
    Draining,
    /// It was asked to end.
    Terminating,
    /// Starts came to nothing; the next one waits.
    CrashBackoff,
    Gone,
}

impl RunnerPhase {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Setup => "setup",
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Terminating => "terminating",
            Self::CrashBackoff => "crash_backoff",
            Self::Gone => "gone",
        }
    }
}

/// Whether another runner takes its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    #[default]
    None,
    Will,
    Did,
}

/// A step in the life of a runner: when it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub stage: String,
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// One runner, for people and for checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerState {
    pub runner: RunnerId,
    /// `starting`, `idle`, `running`, `draining`, `stopping` or `gone`.
    pub state: &'static str,
    pub stage: Option<String>,
    pub in_flight: Vec<RequestId>,
    pub since: Timestamp,
}

impl App {
    pub fn runners(&self) -> Vec<RunnerState> {
        let view = |runner: &super::fleet::Runner| RunnerState {
            runner: runner.id.clone(),
            state: runner.state(),
            stage: match &runner.life {
                Life::Starting { stage } => stage.clone(),
                Life::Ready | Life::Draining | Life::Stopping | Life::Gone { .. } => None,
            },
            in_flight: runner.in_flight.clone(),
            since: runner.since,
        };
        self.fleet.runners.iter().map(view).collect()
    }
}
