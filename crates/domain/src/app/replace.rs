//! A new definition takes the place of the old one, runners take each other's place, and the app goes.

use super::{
    App, Effect, Kind, Spec,
    fleet::{Asked, Life, Runner},
    requests::{failed, removed},
};
use crate::RunnerId;

/// How a new definition takes the place of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// One runner of the new definition is started beside the old ones. When it is ready, traffic goes to the new
    /// definition and the old runners drain; when its start fails, the old definition stays.
    Rolling,
    /// Traffic goes to the new definition at once; the old runners drain.
    Recreate,
}

/// A new definition on trial.
#[derive(Debug)]
pub(super) struct Rollout {
    generation: u32,
    spec: Spec,
    /// The runner that must become ready.
    pub runner: RunnerId,
}

impl App {
    pub(super) fn replace(&mut self, generation: u32, spec: Spec, strategy: Strategy, out: &mut Vec<Effect>) {
        self.abandon_rollout("a newer definition of the app has taken its place", out);
        if let Some(reason) = self.ending() {
            return out.push(Effect::RolloutEnded { generation, failed: Some(reason.into()) });
        }
        match strategy {
            Strategy::Rolling => self.try_out(generation, spec, out),
            Strategy::Recreate => self.switch(generation, spec, false, out),
        }
    }

    pub(super) fn restart(&mut self, generation: u32, force: bool, out: &mut Vec<Effect>) {
        if let Some(reason) = self.ending() {
            return out.push(Effect::RolloutEnded { generation, failed: Some(reason.into()) });
        }
        if self.rollout.is_some() {
            let failed = Some("a rollout is under way already, and brings fresh runners".into());
            return out.push(Effect::RolloutEnded { generation, failed });
        }
        let spec = self.spec.clone();
        if force {
            self.switch(generation, spec, true, out);
        } else {
            self.try_out(generation, spec, out);
        }
    }

    fn ending(&self) -> Option<&'static str> {
        match (self.closing, self.stopping) {
            (true, _) => Some("the app was deleted"),
            (_, true) => Some("the server is being stopped"),
            _ => None,
        }
    }

    /// Starts one runner of the new definition beside the others, whatever their number.
    fn try_out(&mut self, generation: u32, spec: Spec, out: &mut Vec<Effect>) {
        let runner = self.fleet.add(generation, None, self.now);
        self.rollout = Some(Rollout { generation, spec, runner: runner.clone() });
        out.push(Effect::StartRunner { runner, generation });
    }

    /// Traffic goes to a definition.
    fn switch(&mut self, generation: u32, spec: Spec, kill: bool, out: &mut Vec<Effect>) {
        self.spec = spec;
        self.fleet.generation = generation;
        self.fleet.forgive();
        out.push(Effect::RolloutEnded { generation, failed: None });
        let old = self.fleet.runners.iter().filter(|runner| runner.generation != generation);
        let old: Vec<_> = old.map(|runner| (runner.id.clone(), runner.life.clone())).collect();
        for (id, life) in old {
            match life {
                _ if kill => self.end_runner(&id, Asked::Kill, out),
                Life::Starting => self.end_runner(&id, Asked::Terminate, out),
                Life::Ready => self.drain(&id, out),
                Life::Draining | Life::Stopping | Life::Gone { .. } => {}
            }
        }
    }

    /// The runner on trial is ready.
    pub(super) fn prove(&mut self, id: &RunnerId, out: &mut Vec<Effect>) {
        if let Some(Rollout { generation, spec, .. }) = self.rollout.take_if(|rollout| rollout.runner == *id) {
            self.switch(generation, spec, false, out);
        }
    }

    /// The runner on trial is gone: the old definition stays. Whether it was on trial.
    pub(super) fn disprove(&mut self, id: &RunnerId, reason: &str, out: &mut Vec<Effect>) -> bool {
        let Some(rollout) = self.rollout.take_if(|rollout| rollout.runner == *id) else { return false };
        let failed = Some(format!("no runner of it became ready: {reason}"));
        out.push(Effect::RolloutEnded { generation: rollout.generation, failed });
        true
    }

    pub(super) fn abandon_rollout(&mut self, reason: &str, out: &mut Vec<Effect>) {
        if let Some(rollout) = self.rollout.take() {
            self.end_runner(&rollout.runner, Asked::Terminate, out);
            out.push(Effect::RolloutEnded { generation: rollout.generation, failed: Some(reason.into()) });
        }
    }

    /// Obeyed at once. A definition on trial takes over what belongs to the app rather than to its code.
    pub(super) fn retune(&mut self, spec: Spec) {
        if let Some(rollout) = &mut self.rollout {
            rollout.spec.tune(&spec);
        }
        self.spec = spec;
    }

    pub(super) fn remove(&mut self, out: &mut Vec<Effect>) {
        self.closing = true;
        self.abandon_rollout("the app was deleted", out);
        for id in self.ids_in_order(super::entry::Entry::waits) {
            match self.entries.get(&id).map(|entry| entry.job.kind) {
                Some(Kind::Queued) => self.finish(id, None, failed(removed()), self.now, out),
                Some(Kind::Direct) => self.refuse(id, removed(), out),
                None => {}
            }
        }
        let runners: Vec<_> = self.fleet.runners.iter().map(|runner| runner.id.clone()).collect();
        for runner in runners {
            // Its requests have the time between SIGTERM and SIGKILL.
            self.end_runner(&runner, Asked::Terminate, out);
        }
    }

    pub(super) fn stop_runner(&mut self, id: &RunnerId, replace_first: bool, out: &mut Vec<Effect>) {
        let Some(Runner { life, generation, .. }) = self.fleet.get(id) else { return };
        let generation = *generation;
        match life {
            Life::Starting => self.end_runner(id, Asked::Terminate, out),
            Life::Ready if replace_first && self.ending().is_none() => {
                if self.fleet.replacement_of(id).is_none() {
                    let runner = self.fleet.add(generation, Some(id.clone()), self.now);
                    out.push(Effect::StartRunner { runner, generation });
                }
            }
            Life::Ready => self.drain(id, out),
            Life::Draining | Life::Stopping | Life::Gone { .. } => {}
        }
    }

    /// A rollout is under way.
    pub fn is_rolling(&self) -> bool {
        self.rollout.is_some()
    }
}
