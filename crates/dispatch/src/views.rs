//! Runners as seen from outside.

use tintype_domain::app::{App, RunnerPhase, RunnerState, Step};

use crate::{AppDefinition, InFlight, RunnerView, actor::Actor, steady::Steady};

impl Actor {
    pub fn views(&self) -> Vec<RunnerView> {
        let view = |app: &App, state: RunnerState, definition: &AppDefinition| {
            (state.phase != RunnerPhase::Gone).then(|| view(&self.house.steady, app, state, definition))
        };
        self.runners(view).into_iter().flatten().collect()
    }
}

fn view(steady: &Steady, app: &App, state: RunnerState, definition: &AppDefinition) -> RunnerView {
    let in_flight = state.in_flight.iter().filter_map(|id| {
        let (account, since) = app.whose(*id)?;
        Some(InFlight { request: *id, account: account.clone(), since: steady.to_day(since) })
    });
    RunnerView {
        app: definition.app.clone(),
        owner: definition.owner.clone(),
        revision: definition.revision.clone(),
        machine_type: definition.machine_type.clone(),
        state: state.phase,
        stage: state.stage,
        in_flight: in_flight.collect(),
        created_at: steady.to_day(state.steps.first().map_or(state.since, |step| step.at)),
        since: steady.to_day(state.since),
        expires_in: state.expires_at.map(|at| at.since(steady.now())),
        replacement: state.replacement,
        timeline: in_days(steady, state.steps),
        last_failure: state.last_failure,
        runner: state.runner,
    }
}

/// Steps by the time of day.
pub(crate) fn in_days(steady: &Steady, steps: Vec<Step>) -> Vec<Step> {
    steps.into_iter().map(|step| Step { at: steady.to_day(step.at), ..step }).collect()
}
