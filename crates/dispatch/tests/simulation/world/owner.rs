//! What the app's owner does: new definitions, fresh runners, other scaling, the end of the app.

use std::{collections::BTreeSet, time::Duration};

use tintype_domain::{
    RunnerId,
    app::{Event, RunnerPhase, Strategy},
};

use super::{CALM_AT, Happening, World};
use crate::{machine::Machine, plan};

#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// A definition whose runners never become ready, or do.
    Replace {
        bad: bool,
        strategy: Strategy,
    },
    /// A good definition, if a bad one serves.
    Mend,
    Restart {
        force: bool,
    },
    Retune,
    StopRunner {
        replace_first: bool,
    },
    KillRunner,
    Remove,
}

/// What the owner knows of the definitions of this life of the server.
#[derive(Default)]
pub struct Owner {
    /// By generation.
    definitions: Vec<Definition>,
    serving: u32,
    /// Rollouts that have not ended.
    open: Vec<Open>,
    /// Runners for which a replacement was asked for.
    replaced: BTreeSet<RunnerId>,
    /// The next start is such a replacement, whatever the ceiling is by now.
    substituting: bool,
    pub(super) deleted: bool,
}

#[derive(Clone, Copy)]
struct Definition {
    bad: bool,
    slots: u32,
}

struct Open {
    generation: u32,
    /// It may not serve before a runner of it is ready.
    rolling: bool,
    trial: Option<RunnerId>,
}

impl<M: Machine> World<M> {
    pub(super) fn plan_changes(&mut self) {
        let strategies = [Strategy::Rolling, Strategy::Rolling, Strategy::Recreate];
        for _ in 0..self.dice.below(4) {
            let change = match self.dice.below(10) {
                0..4 => Change::Replace { bad: self.dice.chance(35), strategy: self.dice.pick(&strategies) },
                4 => Change::Restart { force: self.dice.chance(50) },
                5 | 6 => Change::Retune,
                7 | 8 => Change::StopRunner { replace_first: self.dice.chance(60) },
                _ => Change::KillRunner,
            };
            let at = self.dice.millis(500, 35_000);
            self.after(at, Happening::Changes(change));
        }
        if self.dice.chance(20) {
            self.plan_spike();
        }
        if self.dice.chance(12) {
            for _ in 0..self.dice.below(6) {
                let (at, wish) = (self.dice.millis(0, 3000), plan::wish(&mut self.dice));
                self.after(CALM_AT + at, Happening::Submit(wish));
            }
            let at = self.dice.millis(500, 4000);
            self.after(CALM_AT + at, Happening::Changes(Change::Remove));
        }
    }

    fn plan_spike(&mut self) {
        let start = self.dice.millis(100, 25_000);
        for _ in 0..20 {
            let (at, wish) = (self.dice.millis(0, 200), plan::wish(&mut self.dice));
            self.after(start + at, Happening::Submit(wish));
        }
    }

    pub(super) fn new_life(&mut self) {
        let bad = self.is_bad(self.owner.serving);
        let slots = self.spec.max_multiplexing;
        self.owner = Owner { definitions: vec![Definition { bad, slots }], ..Owner::default() };
    }

    pub(super) fn change(&mut self, change: Change) {
        if self.owner.deleted {
            return;
        }
        if self.machine.is_none() {
            return self.after(Duration::from_millis(500), Happening::Changes(change));
        }
        match change {
            Change::Replace { bad, strategy } => self.replace(bad, strategy),
            Change::Mend if self.is_bad(self.owner.serving) => self.replace(false, Strategy::Rolling),
            Change::Mend => {}
            Change::Restart { force } => self.restart(force),
            Change::Retune => self.retune(),
            Change::StopRunner { replace_first } => self.stop_runner(replace_first),
            Change::KillRunner => {
                if let Some(runner) = self.some_runner() {
                    self.step(Event::KillRunner { runner });
                }
            }
            Change::Remove => {
                self.seen.deleted += 1;
                self.delete(true);
                self.step(Event::Remove);
            }
        }
    }

    pub(super) fn delete(&mut self, deleted: bool) {
        self.owner.deleted = deleted;
        self.checks.deleted(deleted);
    }

    fn some_runner(&mut self) -> Option<RunnerId> {
        let runners: Vec<_> = self.processes.keys().cloned().collect();
        let nth = self.dice.below(runners.len().max(1) as u64) as usize;
        runners.get(nth).cloned()
    }

    fn define(&mut self, definition: Definition, rolling: bool) -> u32 {
        let generation = self.owner.definitions.len() as u32;
        self.owner.definitions.push(definition);
        self.owner.open.push(Open { generation, rolling, trial: None });
        generation
    }

    fn replace(&mut self, bad: bool, strategy: Strategy) {
        // Nobody is there to mend it later.
        let bad = bad && !self.calm;
        let slots = 1 + self.dice.below(3) as u32;
        let generation = self.define(Definition { bad, slots }, strategy == Strategy::Rolling);
        let spec = tintype_domain::app::Spec { max_multiplexing: slots, ..self.spec.clone() };
        self.step(Event::Replace { generation, spec, strategy });
    }

    fn restart(&mut self, force: bool) {
        let serving = self.owner.definitions[self.owner.serving as usize];
        let generation = self.define(serving, false);
        self.step(Event::Restart { generation, force });
    }

    fn retune(&mut self) {
        self.seen.tuned += 1;
        self.spec = plan::tuned(&mut self.dice, &self.spec);
        self.step(Event::Retune { spec: self.spec.clone() });
    }

    fn stop_runner(&mut self, replace_first: bool) {
        let Some(runner) = self.some_runner() else { return };
        if replace_first {
            self.seen.replaced += 1;
            self.owner.replaced.insert(runner.clone());
        }
        self.owner.substituting = replace_first;
        self.step(Event::StopRunner { runner, replace_first });
        self.owner.substituting = false;
    }

    pub(super) fn rolled_out(&mut self, generation: u32, good: bool) {
        let place = self.owner.open.iter().position(|open| open.generation == generation);
        self.checks.ensure(place.is_some(), || format!("rollout {generation} ended twice, or never began"));
        let Some(open) = place.map(|place| self.owner.open.remove(place)) else { return };
        if !good {
            self.seen.rolled_back += 1;
            return;
        }
        self.seen.rolled_out += 1;
        let serves = |trial: &RunnerId| {
            let runners = self.machine.as_ref().map(Machine::runners).unwrap_or_default();
            let ready = |phase| matches!(phase, RunnerPhase::Idle | RunnerPhase::Running);
            runners.iter().any(|runner| runner.runner == *trial && ready(runner.phase))
        };
        let proved = open.trial.as_ref().map_or(!open.rolling, serves);
        self.checks.ensure(proved, || format!("definition {generation} serves before a runner of it is ready"));
        self.owner.serving = generation;
        self.spec.max_multiplexing = self.owner.definitions[generation as usize].slots;
    }

    /// A runner belongs to the definition that serves, or is the one on trial.
    pub(super) fn check_start(&mut self, runner: &RunnerId, generation: u32) {
        let serving = self.owner.serving;
        if std::mem::take(&mut self.owner.substituting) {
            return self.checks.processes(0, 0);
        }
        if generation == serving {
            let replaced = self.owner.replaced.iter().filter(|runner| self.processes.contains_key(runner)).count();
            let processes = self.processes.values().filter(|process| process.generation == serving).count();
            return self.checks.processes(processes, self.spec.max_concurrency as usize + replaced);
        }
        let open = self.owner.open.iter_mut().find(|open| open.generation == generation);
        let first = open.is_some_and(|open| open.trial.replace(runner.clone()).is_none());
        self.checks.ensure(first, || format!("{runner} was started of definition {generation}, which does not serve"));
        self.checks.processes(1, 1);
    }

    pub(super) fn serving(&self) -> u32 {
        self.owner.serving
    }

    pub(super) fn is_bad(&self, generation: u32) -> bool {
        self.owner.definitions.get(generation as usize).is_some_and(|definition| definition.bad)
    }

    pub(super) fn slots(&self, generation: u32) -> usize {
        self.owner.definitions[generation as usize].slots as usize
    }

    pub(super) fn all_changed(&self) -> bool {
        let gone = self.machine.as_ref().is_none_or(|machine| machine.app().is_gone());
        self.owner.open.is_empty() && (gone || !self.owner.deleted)
    }

    pub(super) fn check_changes(&mut self) {
        let (open, changed) = (self.owner.open.len(), self.all_changed());
        self.checks.ensure(changed, || format!("{open} rollouts never ended, or a deleted app never went"));
    }
}
