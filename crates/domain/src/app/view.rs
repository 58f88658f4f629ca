//! The machine as seen from outside.

use serde::{Deserialize, Serialize};

use super::{
    App,
    fleet::{Life, Runner},
};
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

impl Step {
    /// What the runner needs is being made; its process does not exist yet.
    pub const ENVIRONMENT: &str = "environment";
}

/// One runner, for people and for checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerState {
    pub runner: RunnerId,
    /// Of the definition that it was started from.
    pub generation: u32,
    pub phase: RunnerPhase,
    /// What a start is doing.
    pub stage: Option<String>,
    pub in_flight: Vec<RequestId>,
    /// Since when it is starting, or ready.
    pub since: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub replacement: Replacement,
    pub steps: Vec<Step>,
    pub last_failure: Option<String>,
}

impl App {
    pub fn runners(&self) -> Vec<RunnerState> {
        self.fleet.runners.iter().map(|runner| self.view(runner)).collect()
    }

    /// The definition that serves.
    pub fn generation(&self) -> u32 {
        self.fleet.generation
    }

    pub fn steps(&self, runner: &RunnerId) -> Option<&[Step]> {
        self.fleet.get(runner).map(|runner| runner.steps.as_slice())
    }

    /// Why it was found unhealthy, if it was.
    pub fn complaint(&self, runner: &RunnerId) -> Option<&str> {
        self.fleet.get(runner)?.complaint.as_deref()
    }

    fn view(&self, runner: &Runner) -> RunnerState {
        RunnerState {
            runner: runner.id.clone(),
            generation: runner.generation,
            phase: runner.phase(),
            stage: (runner.life == Life::Starting).then(|| runner.stage()).flatten(),
            in_flight: runner.in_flight.clone(),
            since: runner.since,
            expires_at: self.expires_at(runner),
            replacement: self.replacement(runner),
            steps: runner.steps.clone(),
            last_failure: match &runner.life {
                Life::Gone { reason } => Some(reason.clone()),
                _ => runner.complaint.clone(),
            },
        }
    }

    fn replacement(&self, runner: &Runner) -> Replacement {
        let replaced = self.fleet.replacement_of(&runner.id);
        let on_trial = self.rollout.as_ref().is_some_and(|rollout| rollout.runner == runner.id);
        if on_trial {
            Replacement::None
        } else if runner.generation != self.fleet.generation {
            Replacement::Did
        } else if let Some(replacement) = replaced {
            if replacement.life == Life::Ready { Replacement::Did } else { Replacement::Will }
        } else if self.rollout.is_some() {
            Replacement::Will
        } else {
            Replacement::None
        }
    }

    /// The place of the runner that would be started, while starts that came to nothing hold the next one back.
    pub fn backoff(&self, now: Timestamp) -> Option<RunnerState> {
        let fleet = &self.fleet;
        let (runner, since) = fleet.failed.clone().filter(|_| fleet.not_before > now)?;
        let left = fleet.not_before.since(now).as_secs_f64();
        let detail = format!("{} in a row came to nothing; the next start is in {left:.0} s", fleet.failures);
        Some(RunnerState {
            runner,
            generation: fleet.generation,
            phase: RunnerPhase::CrashBackoff,
            stage: Some(detail),
            in_flight: Vec::new(),
            since,
            expires_at: None,
            replacement: Replacement::None,
            steps: Vec::new(),
            last_failure: fleet.last_failure.clone(),
        })
    }
}

impl Runner {
    fn phase(&self) -> RunnerPhase {
        match &self.life {
            Life::Starting if self.steps.iter().all(is_before_its_process) => RunnerPhase::Pending,
            Life::Starting => RunnerPhase::Setup,
            Life::Ready if self.in_flight.is_empty() => RunnerPhase::Idle,
            Life::Ready => RunnerPhase::Running,
            Life::Draining => RunnerPhase::Draining,
            Life::Stopping => RunnerPhase::Terminating,
            Life::Gone { .. } => RunnerPhase::Gone,
        }
    }

    /// What it does, once it does something.
    pub(super) fn stage(&self) -> Option<String> {
        let step = self.steps.get(1..)?.last()?;
        Some(step.detail.as_ref().map_or_else(|| step.stage.clone(), |detail| format!("{}: {detail}", step.stage)))
    }
}

fn is_before_its_process(step: &Step) -> bool {
    matches!(step.stage.as_str(), "queued" | Step::ENVIRONMENT)
}
