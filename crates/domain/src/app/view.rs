//! The machine as seen from outside.

use super::{App, fleet::Life};
use crate::{RequestId, RunnerId, Timestamp};

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
