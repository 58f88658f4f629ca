//! Why a request waits: a pure question about the state.

use std::time::Duration;

use super::{
    App, Cause, Effect, Kind, Why,
    entry::{Entry, State},
    fleet::{ADOPTED, Runner},
};
use crate::{ErrorType, Failure, RequestId, Timestamp};

/// Starts in a row that come to nothing before direct callers are told so, instead of being held.
const HOPELESS_AFTER: u32 = 3;

/// The next start is further away than a direct caller is held for it.
const HOPELESS_PAUSE: Duration = Duration::from_secs(25);

/// Stages of a start that were shorter are no news.
const WORTH_TELLING: Duration = Duration::from_millis(50);

impl App {
    /// `None` when it does not wait.
    pub fn why(&self, id: RequestId, now: Timestamp) -> Option<Why> {
        let entry = self.entries.get(&id)?;
        match entry.state {
            State::Waiting => Some(self.held_up(entry, now)),
            State::Paused { until } | State::Requeueing { until, .. } => Some(paused(entry, until, now)),
            State::Held { .. } | State::Beginning(_) | State::Running(..) | State::Ending { .. } => None,
        }
    }

    fn held_up(&self, entry: &Entry, now: Timestamp) -> Why {
        let why = |cause, detail: String, next: String| Why { cause, since: entry.since, detail, next };
        let limit = self.spec.account_concurrency.unwrap_or(u32::MAX);
        if self.stopping {
            let next = "it is kept, and runs when the server is started again".into();
            return why(Cause::Stopping, "the server is being stopped".into(), next);
        }
        if self.queue.running(&entry.job.account) >= limit {
            let detail = format!("your account already runs {limit} requests on this app, as many as it may");
            return why(Cause::AccountLimit, detail, "it starts when one of them ends".into());
        }
        if self.fleet.ready() == 0 && self.fleet.failures > 0 {
            let last = self.fleet.last_failure.as_deref().unwrap_or("unknown");
            let failures = self.fleet.failures;
            let detail = format!("{failures} runners in a row came to nothing; the last: {last}");
            return why(Cause::CrashLoop, detail, self.next_start(now));
        }
        if self.fleet.ready() == 0 {
            return why(Cause::ColdStart, self.cold_start(now), self.after_start(entry));
        }
        why(Cause::Capacity, self.full(), self.turn(entry))
    }

    fn cold_start(&self, now: Timestamp) -> String {
        match self.fleet.starting() {
            Some(runner) => format!("a runner is being started{}", progress(runner, now)),
            None => match self.on_trial() {
                Some(runner) => format!("a runner of the new definition is being started{}", progress(runner, now)),
                None => "no runner is up, and one will be started".into(),
            },
        }
    }

    fn on_trial(&self) -> Option<&Runner> {
        self.rollout.as_ref().and_then(|rollout| self.fleet.get(&rollout.runner))
    }

    fn after_start(&self, entry: &Entry) -> String {
        match self.ahead(entry) {
            0 => "it starts when the runner is ready".into(),
            ahead => format!("it starts when the runner is ready and {ahead} requests ahead of it have had their turn"),
        }
    }

    fn full(&self) -> String {
        let ready = self.fleet.ready();
        let slots = ready * self.spec.max_multiplexing.max(1) as usize;
        format!(
            "all {slots} slots of {ready} runners are in use; at most {} runners may run",
            self.spec.max_concurrency
        )
    }

    fn turn(&self, entry: &Entry) -> String {
        match self.ahead(entry) {
            0 => "it starts when the next slot is free".into(),
            ahead => format!("it starts when {ahead} requests ahead of it have had their turn"),
        }
    }

    fn next_start(&self, now: Timestamp) -> String {
        match self.fleet.starting() {
            Some(_) => "another runner is being started now".into(),
            None => format!("another runner is started in {}", seconds(self.fleet.not_before.since(now))),
        }
    }

    fn ahead(&self, entry: &Entry) -> usize {
        self.queue.position(entry.job.priority, &entry.job.account, entry.seq)
    }

    /// What a direct call is told that waited too long.
    pub(super) fn no_room(&self) -> Failure {
        let (error_type, what) = if self.fleet.ready() > 0 {
            (ErrorType::RunnerSchedulingFailure, self.full())
        } else if let Some(last) = self.fleet.last_failure.as_ref().filter(|_| self.fleet.failures > 0) {
            (ErrorType::RunnerSchedulingFailure, format!("no runner could be started; the last failure: {last}"))
        } else {
            (ErrorType::StartupTimeout, "no runner became ready".into())
        };
        Failure::new(
            error_type,
            format!("the call waited for a slot for too long: {what}; use the queue for long waits"),
        )
    }

    pub(super) fn expired_detail(&self, id: RequestId, now: Timestamp) -> String {
        let why = self.why(id, now).map_or_else(String::new, |why| format!(": {}", why.detail));
        format!("the request did not start before its start deadline{why}")
    }

    /// Direct callers are not held while nothing can be started; whoever can wait uses the queue.
    pub(super) fn refuse_hopeless(&mut self, out: &mut Vec<Effect>) {
        let fleet = &self.fleet;
        let far = fleet.failures > 0 && fleet.not_before.since(self.now) > HOPELESS_PAUSE;
        let hopeless = fleet.failures >= HOPELESS_AFTER || far;
        // A definition on trial may mend it.
        if !hopeless || fleet.live() > 0 || self.rollout.is_some() || self.queue.waiting() == 0 {
            return;
        }
        let waiting = self.entries.values();
        let direct = waiting.filter(|entry| entry.job.kind == Kind::Direct && entry.state == State::Waiting);
        let mut calls: Vec<_> = direct.map(|entry| (entry.seq, entry.job.id)).collect();
        calls.sort_unstable();
        let last = self.fleet.last_failure.as_deref().unwrap_or("unknown");
        let detail = format!(
            "no runner can be started, after {} {}; the last: {last}",
            self.fleet.failures,
            if self.fleet.failures == 1 { "try" } else { "tries" }
        );
        for (_, id) in calls {
            self.refuse(id, Failure::new(ErrorType::RunnerSchedulingFailure, detail.clone()), out);
        }
    }
}

/// What a start is doing, for how long, and how long the stages before took.
fn progress(runner: &Runner, now: Timestamp) -> String {
    let stage = runner.stage().map_or_else(String::new, |stage| format!(": {stage}"));
    // The steps of an adopted runner begin with those of its first start, which is long over.
    let begins = runner.steps.iter().rposition(|step| step.stage == ADOPTED).unwrap_or(0);
    let past = runner.steps[begins..].windows(2).map(|pair| (&pair[0].stage, pair[1].at.since(pair[0].at)));
    let past = past.filter(|(_, took)| *took >= WORTH_TELLING);
    let past: Vec<_> = past.map(|(stage, took)| format!("{stage} {}", seconds(took))).collect();
    let past = if past.is_empty() { String::new() } else { format!(" ({})", past.join(", ")) };
    format!("{stage}, {} so far{past}", seconds(now.since(runner.since)))
}

fn paused(entry: &Entry, until: Timestamp, now: Timestamp) -> Why {
    let last = entry.last_failure.as_deref().unwrap_or("the server was stopped");
    let detail = format!("attempt {} came to nothing: {last}", entry.job.attempts.max(1));
    let next = format!("the next attempt may begin in {}", seconds(until.since(now)));
    Why { cause: Cause::Retry, since: entry.since, detail, next }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
