//! How many runners there should be.

use std::time::Duration;

use super::{
    App, Effect,
    entry::Entry,
    fleet::{Asked, Life, Runner},
};
use crate::{RunnerId, Timestamp};

/// A runner that never had a request is kept no longer than this, unless a minimum or a buffer demands it.
const UNUSED_LIFE: Duration = Duration::from_secs(10);

impl App {
    /// Starts and ends runners towards the wanted number.
    pub(super) fn scale(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        self.scaled_at = now;
        let wanted = if self.stopping || self.closing { 0 } else { self.wanted(now) };
        self.end_idle(wanted, now, out);
        self.shed(out);
        let generation = self.fleet.generation;
        for _ in 0..self.startable(wanted, now) {
            let runner = self.fleet.add(generation, None, now);
            out.push(Effect::StartRunner { runner, generation });
        }
    }

    fn startable(&self, wanted: usize, now: Timestamp) -> usize {
        let room = (self.spec.max_concurrency as usize).saturating_sub(self.fleet.counted());
        let missing = wanted.saturating_sub(self.fleet.live()).min(room);
        match self.fleet.failures {
            _ if now < self.fleet.not_before => 0,
            0 => missing,
            // After a failure one at a time: the next may fail like the last.
            _ if self.fleet.starting().is_some() => 0,
            _ => missing.min(1),
        }
    }

    /// Runners for what runs and waits, or for the minimum or the buffer, whichever is more.
    fn wanted(&self, now: Timestamp) -> usize {
        let slots = self.spec.max_multiplexing.max(1) as usize;
        let most = self.spec.max_concurrency as usize;
        let live = self.fleet.current().filter(|runner| runner.life == Life::Ready);
        let running: usize = live.map(|runner| runner.in_flight.len()).sum();
        let needed = (running + self.patient(now, most * slots)).div_ceil(slots);
        (needed + self.buffer(needed)).max(self.spec.min_concurrency as usize).min(most)
    }

    fn buffer(&self, needed: usize) -> usize {
        let part = (needed * self.spec.concurrency_buffer_percent as usize).div_ceil(100);
        part.max(self.spec.concurrency_buffer as usize)
    }

    /// Waiting requests that have waited long enough to ask for a runner; no more than `most` are counted.
    fn patient(&self, now: Timestamp, most: usize) -> usize {
        let delay = self.spec.scaling_delay;
        if delay.is_zero() {
            return self.waiting().min(most);
        }
        let long = self.entries.values().filter(|entry| entry.waits() && entry.since.plus(delay) <= now);
        long.take(most).count()
    }

    fn end_idle(&mut self, wanted: usize, now: Timestamp, out: &mut Vec<Effect>) {
        // At the end of all everything goes, also what waits to take another's place.
        let ending = self.stopping || self.closing;
        let mut spare = if ending { usize::MAX } else { self.fleet.live().saturating_sub(wanted) };
        if spare == 0 {
            return;
        }
        let mut idle: Vec<_> = self.fleet.current().filter(|runner| self.over(runner, now)).collect();
        idle.sort_by_key(|runner| runner.used_at);
        let ids: Vec<_> = idle.into_iter().map(|runner| runner.id.clone()).collect();
        for id in ids {
            if spare > 0 {
                spare -= 1;
                self.end_runner(&id, Asked::Terminate, out);
            }
        }
    }

    fn over(&self, runner: &Runner, now: Timestamp) -> bool {
        let ending = self.stopping || self.closing;
        match runner.life {
            Life::Ready => runner.in_flight.is_empty() && (ending || self.ends_at(runner) <= now),
            Life::Starting => ending,
            Life::Draining | Life::Stopping | Life::Gone { .. } => false,
        }
    }

    /// Ends what is beyond the most that there may be, which was lowered: first what serves nobody.
    fn shed(&mut self, out: &mut Vec<Effect>) {
        let excess = self.fleet.live().saturating_sub(self.spec.max_concurrency as usize);
        if excess == 0 {
            return;
        }
        let mut live: Vec<_> =
            self.fleet.current().filter(|runner| matches!(runner.life, Life::Starting | Life::Ready)).collect();
        live.sort_by_key(|runner| (runner.life == Life::Ready, runner.in_flight.len(), runner.used_at));
        let ids: Vec<RunnerId> = live.into_iter().take(excess).map(|runner| runner.id.clone()).collect();
        for id in ids {
            self.stop_runner(&id, false, out);
        }
    }

    /// When an idle runner has been idle long enough.
    fn ends_at(&self, runner: &Runner) -> Timestamp {
        let spec = &self.spec;
        let demanded = spec.min_concurrency > 0 || spec.concurrency_buffer > 0 || spec.concurrency_buffer_percent > 0;
        let life = if runner.served || demanded { spec.keep_alive } else { spec.keep_alive.min(UNUSED_LIFE) };
        runner.used_at.plus(life)
    }

    /// When an idle runner ends, if nothing happens before.
    pub(super) fn expires_at(&self, runner: &Runner) -> Option<Timestamp> {
        let idle = runner.life == Life::Ready && runner.in_flight.is_empty();
        (idle && self.fleet.live() > self.wanted(self.scaled_at)).then(|| self.ends_at(runner))
    }

    /// When time alone will start or end a runner. What was due at the last look has been seen to; what has become
    /// due since must still be told, or a moment that passes between two looks would be lost.
    pub(super) fn next_scaling(&self) -> Option<Timestamp> {
        let seen = self.scaled_at;
        let wanted = self.wanted(seen);
        let idle = |runner: &&Runner| runner.life == Life::Ready && runner.in_flight.is_empty();
        let spare = self.fleet.live() > wanted;
        let end = self.fleet.current().filter(idle).filter(|_| spare).map(|runner| self.ends_at(runner)).min();
        let held_back = self.fleet.live() < wanted && self.fleet.not_before > seen;
        let start = held_back.then_some(self.fleet.not_before);
        [end, start, self.next_patient(seen)].into_iter().flatten().min()
    }

    fn next_patient(&self, seen: Timestamp) -> Option<Timestamp> {
        let delay = self.spec.scaling_delay;
        if delay.is_zero() || self.waiting() == 0 {
            return None;
        }
        let waiting = self.entries.values().filter(|entry| Entry::waits(entry));
        waiting.map(|entry| entry.since.plus(delay)).filter(|at| *at > seen).min()
    }
}
