//! Processes and what requests do to them.

use std::{collections::BTreeMap, time::Duration};

use tintype_domain::{Attempt, ErrorType, RequestId, RunnerId, Verdict, app::Event};

use super::{Happening, Process, World, disconnected};
use crate::{
    machine::Machine,
    plan::{self, Nature},
};

impl<M: Machine> World<M> {
    pub(super) fn start_runner(&mut self, runner: RunnerId, generation: u32) {
        let process =
            Process { generation, ready: false, dying: false, running: BTreeMap::new(), lost: BTreeMap::new() };
        self.processes.insert(runner.clone(), process);
        self.check_start(&runner, generation);
        let fails = (!self.calm && self.dice.chance(12)) || self.is_bad(generation);
        let slow = if self.dice.chance(10) { 9000 } else { 1500 };
        let delay = self.dice.millis(20, slow);
        self.after(delay, if fails { Happening::Dies(runner) } else { Happening::Ready(runner) });
    }

    pub(super) fn runner_ready(&mut self, runner: &RunnerId) {
        let Some(process) = self.processes.get_mut(runner).filter(|process| !process.dying) else { return };
        process.ready = true;
        self.soon(5, Event::RunnerReady { runner: runner.clone() });
        if self.dice.chance(30) {
            self.soon(50, Event::RunnerHints { runner: runner.clone(), hints: vec!["warm".into()] });
        }
        if !self.calm && self.dice.chance(12) {
            let delay = self.dice.millis(100, 15_000);
            self.after(delay, Happening::Dies(runner.clone()));
        }
        if !self.calm && self.dice.chance(6) {
            let event = Event::RunnerUnhealthy { runner: runner.clone(), detail: "does not answer".into() };
            self.soon(10_000, event);
        }
    }

    /// The server is dead: some runners that were ready outlive it.
    pub(super) fn orphan_runners(&mut self) {
        let serving = self.serving();
        let all = std::mem::take(&mut self.processes);
        for (runner, mut process) in all {
            if process.ready && !process.dying && process.generation == serving && self.dice.chance(70) {
                process.generation = 0;
                let cut_off = std::mem::take(&mut process.running);
                process.lost.extend(cut_off);
                self.processes.insert(runner, process);
            }
        }
    }

    /// The next server finds them before it hears of anything else.
    pub(super) fn adopt_runners(&mut self) {
        let found: Vec<_> = self.processes.keys().cloned().collect();
        for runner in &found {
            self.seen.adopted += 1;
            let delay = self.dice.millis(0, 300);
            self.schedule(delay, Some(self.life), Happening::Settles(runner.clone(), 0));
        }
        if !found.is_empty() {
            let runners = found.into_iter().map(|runner| (runner, Vec::new())).collect();
            self.step(Event::Adopted { runners });
        }
    }

    pub(super) fn settles(&mut self, runner: RunnerId, times: u32) {
        let Some(process) = self.processes.get(&runner).filter(|process| !process.dying) else { return };
        if process.lost.is_empty() {
            self.soon(5, Event::RunnerReady { runner });
        } else if times < 5 {
            let delay = self.dice.millis(100, 500);
            self.schedule(delay, Some(self.life), Happening::Settles(runner, times + 1));
        } else {
            self.seen.unsettled += 1;
            self.end_runner(&runner, 1500);
        }
    }

    pub(super) fn end_runner(&mut self, runner: &RunnerId, most_millis: u64) {
        let Some(process) = self.processes.get_mut(runner) else { return };
        process.dying = true;
        let delay = self.dice.millis(0, most_millis);
        self.after(delay, Happening::Dies(runner.clone()));
    }

    /// The exit and the broken connections are heard in any order; some reports are never heard.
    pub(super) fn runner_dies(&mut self, runner: &RunnerId) {
        let Some(process) = self.processes.remove(runner) else { return };
        self.seen.crashes += u32::from(!process.dying);
        for (id, attempt) in process.running {
            self.checks.died_under(id, process.dying);
            match self.dice.below(10) {
                0 => {}
                1 => self.soon(4000, Event::Reported { id, attempt, verdict: disconnected() }),
                _ => self.soon(100, Event::Reported { id, attempt, verdict: disconnected() }),
            }
        }
        self.soon(
            100,
            Event::RunnerExited {
                runner: runner.clone(),
                reason: "the runner exited with status 1".into(),
                began: true,
            },
        );
    }

    pub(super) fn send(&mut self, id: RequestId, attempt: Attempt, runner: &RunnerId) {
        self.check_claim(id, attempt);
        self.checks.sent(id, attempt);
        let twice = self.processes.values().any(|process| process.lost.contains_key(&id));
        self.checks.ensure(!twice, || format!("{id} was sent while a runner of the last server works on it"));
        self.work(id, attempt, runner);
    }

    pub(super) fn grant(&mut self, id: RequestId, attempt: Attempt, runner: &RunnerId) {
        self.checks.granted(id, self.now);
        self.work(id, attempt, runner);
    }

    fn work(&mut self, id: RequestId, attempt: Attempt, runner: &RunnerId) {
        let Some(process) = self.processes.get_mut(runner).filter(|process| process.ready) else {
            // It died a moment ago: nobody takes the connection.
            let verdict = Verdict::broken(ErrorType::RunnerConnectionRefused, "refused");
            return self.soon(5, Event::Reported { id, attempt, verdict });
        };
        process.running.insert(id, attempt);
        let (busy, generation) = (process.running.len() + process.lost.len(), process.generation);
        let slots = self.slots(generation);
        self.checks.slots(busy, slots);
        let nature = self.checks.nature(id);
        match plan::ending(&mut self.dice, nature, self.calm) {
            Some(verdict) => {
                let delay = self.dice.millis(5, 3000);
                self.after(delay, Happening::AttemptEnds { runner: runner.clone(), id, attempt, verdict });
            }
            None if nature == Nature::Poison => {
                let delay = self.dice.millis(5, 1000);
                self.after(delay, Happening::Dies(runner.clone()));
            }
            None => {}
        }
    }

    pub(super) fn attempt_ends(&mut self, runner: &RunnerId, id: RequestId, attempt: Attempt, verdict: Verdict) {
        let Some(process) = self.processes.get_mut(runner) else { return };
        if process.lost.get(&id) == Some(&attempt) {
            // Its connection is broken: nobody hears of it.
            process.lost.remove(&id);
            return;
        }
        if process.running.get(&id) != Some(&attempt) {
            return;
        }
        process.running.remove(&id);
        let report = Event::Reported { id, attempt, verdict };
        if self.dice.chance(10) {
            // Reported twice, the second time whenever.
            self.seen.late += 1;
            self.soon(8000, report.clone());
        }
        self.soon(5, report);
    }

    /// The attempt's task ends; now and then its report was already on the way.
    pub(super) fn revoke(&mut self, id: RequestId, attempt: Attempt) {
        self.seen.revoked += 1;
        self.checks.direct_over(id);
        if self.dice.chance(30) {
            self.seen.late += 1;
            let verdict = Verdict::Answered { status: 200, needs_retry: None, stop_runner: false };
            self.soon(5000, Event::Reported { id, attempt, verdict });
        }
    }

    pub(super) fn ask_cancel(&mut self, id: RequestId, attempt: Attempt, runner: &RunnerId) {
        match self.dice.below(3) {
            // The app does not know the path.
            0 => {}
            // It takes the word and stops in time, or not.
            sort => {
                self.soon(50, Event::CancelAccepted { id, attempt });
                if sort == 1 {
                    let verdict = Verdict::Answered { status: 499, needs_retry: None, stop_runner: false };
                    let delay = Duration::from_millis(100);
                    self.after(delay, Happening::AttemptEnds { runner: runner.clone(), id, attempt, verdict });
                }
            }
        }
    }
}
