//! What happens to runners.

use super::{
    App, Effect, Step,
    fleet::{Asked, Life, READY, Runner},
};
use crate::{RunnerId, Timestamp};

impl App {
    /// What the last server had under way on it is run again by the rules for a server that stopped: nothing is taken
    /// over but the process.
    pub(super) fn adopted(&mut self, runners: Vec<(RunnerId, Vec<Step>)>) {
        for (runner, steps) in runners {
            if self.fleet.get(&runner).is_none() {
                self.fleet.adopt(runner, steps, self.now);
            }
        }
    }

    pub(super) fn runner_stage(&mut self, id: &RunnerId, name: &str, detail: Option<String>) {
        let now = self.now;
        let starting = |runner: &&mut Runner| runner.life == Life::Starting;
        if let Some(runner) = self.fleet.get_mut(id).filter(starting) {
            runner.step(name, detail, now);
        }
    }

    pub(super) fn runner_ready(&mut self, id: &RunnerId, out: &mut Vec<Effect>) {
        let now = self.now;
        let starting = |runner: &&mut Runner| runner.life == Life::Starting;
        let Some(runner) = self.fleet.get_mut(id).filter(starting) else { return };
        runner.life = Life::Ready;
        (runner.since, runner.used_at) = (now, now);
        runner.step(READY, None, now);
        let replaces = runner.replaces.clone();
        // What failed before works now: whatever else is missing need not wait.
        self.fleet.not_before = Timestamp::EPOCH;
        self.let_go(id, now, out);
        self.prove(id, out);
        if let Some(replaced) = replaces {
            self.drain(&replaced, out);
        }
    }

    pub(super) fn runner_hints(&mut self, id: &RunnerId, hints: Vec<String>) {
        if let Some(runner) = self.fleet.get_mut(id) {
            runner.hints = hints;
        }
    }

    pub(super) fn runner_unhealthy(&mut self, id: &RunnerId, detail: String, out: &mut Vec<Effect>) {
        let serves = |runner: &&mut Runner| matches!(runner.life, Life::Ready | Life::Draining);
        if let Some(runner) = self.fleet.get_mut(id).filter(serves) {
            runner.complaint = Some(detail);
            self.end_runner(id, Asked::Crash, out);
        }
    }

    pub(super) fn runner_exited(&mut self, id: &RunnerId, reason: &str, began: bool, out: &mut Vec<Effect>) {
        let Some(runner) = self.fleet.get_mut(id).filter(|runner| !runner.is_gone()) else { return };
        // What made the platform kill it says more than that the platform killed it.
        let reason = runner.complaint.take().unwrap_or_else(|| reason.to_owned());
        let life = std::mem::replace(&mut runner.life, Life::Gone { reason: reason.clone() });
        let (in_flight, generation) = (runner.in_flight.clone(), runner.generation);
        // Whether runners can be started here is another question than whether one can be taken over.
        let passed_on = life == Life::Starting && runner.adopted;
        let failed = matches!(runner.asked, None | Some(Asked::Crash)) && !passed_on;
        let on_trial = self.disprove(id, &reason, out);
        // Neither a definition on trial nor one that is past says anything about the one that serves.
        if failed && !on_trial && generation == self.fleet.generation {
            self.failed(id, &reason, life == Life::Starting, began);
        }
        self.let_go(id, self.now, out);
        for request in in_flight {
            self.explained(request, &reason, self.now, out);
        }
    }

    fn failed(&mut self, id: &RunnerId, reason: &str, starting: bool, began: bool) {
        let (now, pause) = (self.now, self.spec.crash_pause);
        let fleet = &mut self.fleet;
        fleet.failures += 1;
        // The first death of a runner that had come up is no crash loop yet: replace it at once.
        let failed_starts = fleet.failures - u32::from(!starting);
        let pause = if began { pause.after(failed_starts) } else { pause.unscheduled(failed_starts) };
        fleet.not_before = now.plus(pause);
        fleet.last_failure = Some(reason.to_owned());
        fleet.failed = Some((id.clone(), now));
    }
}
