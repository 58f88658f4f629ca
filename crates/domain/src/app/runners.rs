//! What happens to runners, and how many there should be.

use std::time::Duration;

use super::{
    App, Effect,
    entry::State,
    fleet::{Asked, Life, Runner},
    retry::start_pause,
};
use crate::{RunnerId, Timestamp};

/// A runner that never had a request is kept no longer than this, unless a minimum or a buffer demands it.
const UNUSED_LIFE: Duration = Duration::from_secs(10);

impl App {
    pub(super) fn runner_stage(&mut self, id: &RunnerId, name: &str, detail: Option<&str>) {
        if let Some(Runner { life: Life::Starting { stage }, .. }) = self.fleet.get_mut(id) {
            *stage = Some(detail.map_or_else(|| name.to_owned(), |detail| format!("{name}: {detail}")));
        }
    }

    pub(super) fn runner_ready(&mut self, id: &RunnerId, now: Timestamp) {
        let starting = |runner: &&mut Runner| matches!(runner.life, Life::Starting { .. });
        let Some(runner) = self.fleet.get_mut(id).filter(starting) else { return };
        runner.life = Life::Ready;
        (runner.since, runner.used_at) = (now, now);
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

    pub(super) fn runner_exited(&mut self, id: &RunnerId, reason: &str, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(runner) = self.fleet.get_mut(id).filter(|runner| !matches!(runner.life, Life::Gone { .. })) else {
            return;
        };
        // What made the platform kill it says more than that the platform killed it.
        let reason = runner.complaint.take().unwrap_or_else(|| reason.to_owned());
        let life = std::mem::replace(&mut runner.life, Life::Gone { reason: reason.clone() });
        let in_flight = runner.in_flight.clone();
        if matches!(runner.asked, None | Some(Asked::Crash)) {
            self.fleet.failures += 1;
            // The first death of a runner that had come up is no crash loop yet: replace it at once.
            let failed_starts = self.fleet.failures - u32::from(!matches!(life, Life::Starting { .. }));
            self.fleet.not_before = now.plus(start_pause(failed_starts));
            self.fleet.last_failure = Some(reason.clone());
        }
        for request in in_flight {
            self.explained(request, &reason, now, out);
        }
    }

    /// Starts and ends runners towards the wanted number.
    pub(super) fn scale(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        self.scaled_at = now;
        let wanted = if self.stopping { 0 } else { self.wanted(now) };
        self.end_idle(wanted, now, out);
        for _ in 0..self.startable(wanted, now) {
            let runner = self.fleet.add(now);
            out.push(Effect::StartRunner { runner });
        }
    }

    fn startable(&self, wanted: usize, now: Timestamp) -> usize {
        let room = (self.spec.max_concurrency as usize).saturating_sub(self.fleet.processes());
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
        let live = self.fleet.runners.iter().filter(|runner| runner.life == Life::Ready);
        let running: usize = live.map(|runner| runner.in_flight.len()).sum();
        let needed = (running + self.patient(now, most * slots)).div_ceil(slots);
        let buffered = needed + self.spec.concurrency_buffer as usize;
        buffered.max(self.spec.min_concurrency as usize).min(most)
    }

    /// Waiting requests that have waited long enough to ask for a runner; no more than `most` are counted.
    fn patient(&self, now: Timestamp, most: usize) -> usize {
        let delay = self.spec.scaling_delay;
        if delay.is_zero() {
            return self.waiting().min(most);
        }
        let waits = |state: &State| matches!(state, State::Waiting | State::Paused { .. });
        let long = self.entries.values().filter(|entry| waits(&entry.state) && entry.since.plus(delay) <= now);
        long.take(most).count()
    }

    fn end_idle(&mut self, wanted: usize, now: Timestamp, out: &mut Vec<Effect>) {
        let mut spare = self.fleet.live().saturating_sub(wanted);
        if spare == 0 {
            return;
        }
        let mut idle: Vec<_> = self.fleet.runners.iter().filter(|runner| self.over(runner, now)).collect();
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
        match runner.life {
            Life::Ready => runner.in_flight.is_empty() && (self.stopping || self.ends_at(runner) <= now),
            Life::Starting { .. } => self.stopping,
            Life::Draining | Life::Stopping | Life::Gone { .. } => false,
        }
    }

    /// When an idle runner has been idle long enough.
    fn ends_at(&self, runner: &Runner) -> Timestamp {
        let demanded = self.spec.min_concurrency > 0 || self.spec.concurrency_buffer > 0;
        let life = if runner.served || demanded { self.spec.keep_alive } else { self.spec.keep_alive.min(UNUSED_LIFE) };
        runner.used_at.plus(life)
    }

    /// When time alone will start or end a runner. What was due at the last look has been seen to; what has become
    /// due since must still be told, or a moment that passes between two looks would be lost.
    pub(super) fn next_scaling(&self) -> Option<Timestamp> {
        let seen = self.scaled_at;
        let wanted = self.wanted(seen);
        let idle = |runner: &&Runner| runner.life == Life::Ready && runner.in_flight.is_empty();
        let spare = self.fleet.live() > wanted;
        let end = self.fleet.runners.iter().filter(idle).filter(|_| spare).map(|runner| self.ends_at(runner)).min();
        let held_back = self.fleet.live() < wanted && self.fleet.not_before > seen;
        let start = held_back.then_some(self.fleet.not_before);
        [end, start, self.next_patient(seen)].into_iter().flatten().min()
    }

    fn next_patient(&self, seen: Timestamp) -> Option<Timestamp> {
        let delay = self.spec.scaling_delay;
        if delay.is_zero() || self.waiting() == 0 {
            return None;
        }
        let waiting =
            self.entries.values().filter(|entry| matches!(entry.state, State::Waiting | State::Paused { .. }));
        waiting.map(|entry| entry.since.plus(delay)).filter(|at| *at > seen).min()
    }
}
