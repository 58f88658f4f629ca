//! What happens to requests on their way to a runner: arrival, claim, and the way back.

use std::time::Duration;

use super::{
    App, CancelAnswer, Effect, End, Job, Kind,
    entry::{Entry, Run, State, Watch},
};
use crate::{Attempt, ErrorType, Failure, Outcome, RequestId, RunnerId, Timestamp};

/// How long a request waits when the store could not be written.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long a request waits for a runner of the last server, beyond that one's grace.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

impl App {
    pub(super) fn arrived(&mut self, job: Job, now: Timestamp, out: &mut Vec<Effect>) {
        if self.knows(job.id) {
            return;
        }
        if job.kind == Kind::Direct && (self.stopping || self.closing) {
            let failure = if self.closing { removed() } else { stopping() };
            return out.push(Effect::Refuse { id: job.id, failure });
        }
        let id = self.add(job, now);
        self.become_state(id, State::Waiting, now);
        if self.closing {
            self.finish(id, None, failed(removed()), now, out);
        }
    }

    pub(super) fn recovered(
        &mut self,
        job: Job,
        running: bool,
        runner: Option<RunnerId>,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        if !running || self.knows(job.id) {
            return self.arrived(job, now, out);
        }
        let (attempt, never) = (Attempt(job.attempts), job.retry.never || self.spec.retry.never);
        let id = self.add(job, now);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.failed = entry.failed.saturating_sub(1);
        }
        match runner.filter(|runner| !never && self.fleet.is_settling(runner)) {
            // Not before that one is done with it: nothing runs twice at a time.
            Some(by) => {
                let until = now.plus(self.spec.termination_grace_period + LONGEST_HOLD);
                self.become_state(id, State::Held { attempt, by, until }, now);
            }
            None => self.interrupted(id, attempt, never, now, out),
        }
    }

    /// A runner of the last server is done with what that one sent, or gone.
    pub(super) fn let_go(&mut self, runner: &RunnerId, now: Timestamp, out: &mut Vec<Effect>) {
        self.let_go_if(|by| by == runner, now, out);
    }

    pub(super) fn let_go_if(&mut self, by: impl Fn(&RunnerId) -> bool, now: Timestamp, out: &mut Vec<Effect>) {
        let held = |entry: &Entry| matches!(&entry.state, State::Held { by: holder, .. } if by(holder));
        for id in self.ids_in_order(held) {
            if let Some(State::Held { attempt, .. }) = self.entries.get(&id).map(|entry| &entry.state) {
                self.interrupted(id, *attempt, false, now, out);
            }
        }
    }

    /// The server stopped under an attempt, which is nobody's fault: it is run again, unless it must not be.
    pub(super) fn interrupted(
        &mut self,
        id: RequestId,
        attempt: Attempt,
        never: bool,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        if never {
            let detail = "the server stopped while the request was under way, and the request forbids another attempt";
            let failure = Failure::new(ErrorType::RunnerDisconnected, detail);
            return self.finish(id, Some(attempt), failed(failure), now, out);
        }
        self.become_state(id, State::Requeueing { attempt, until: now }, now);
        out.push(Effect::Requeue { id, attempt, crashed: false });
    }

    /// Gives slots to waiting requests, in order, until one finds none.
    pub(super) fn assign(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        while let Some(id) = self.queue.next(self.spec.account_concurrency) {
            let Some(entry) = self.entries.get(&id) else { return };
            // What has cost a runner works alone, so that it takes nobody down with it again.
            let alone = entry.suspect;
            let slots = self.spec.max_multiplexing.max(1);
            let Some(runner) = self.fleet.choose(slots, entry.job.hint.as_deref(), alone) else { return };
            runner.in_flight.push(id);
            runner.exclusive = alone;
            runner.used_at = now;
            let (attempt, runner, kind) = (Attempt(entry.job.attempts + 1), runner.id.clone(), entry.job.kind);
            self.queue.started(&entry.job.account);
            let run = Run { attempt, runner: runner.clone() };
            match kind {
                Kind::Queued => {
                    self.become_state(id, State::Beginning(run), now);
                    out.push(Effect::Begin { id, attempt, runner });
                }
                Kind::Direct => {
                    self.run(id, run, now);
                    out.push(Effect::Grant { id, attempt, runner });
                }
            }
        }
    }

    fn run(&mut self, id: RequestId, run: Run, now: Timestamp) {
        let limit = now.plus(self.spec.request_timeout);
        self.become_state(id, State::Running(run, Watch { limit, cancel_at: None, lost: None }), now);
    }

    /// The claim under way, if it is this one.
    fn beginning(&self, id: RequestId, attempt: Attempt) -> Option<Run> {
        match &self.entries.get(&id)?.state {
            State::Beginning(run) if run.attempt == attempt => Some(run.clone()),
            _ => None,
        }
    }

    pub(super) fn began(&mut self, id: RequestId, attempt: Attempt, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(run) = self.beginning(id, attempt) else { return };
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.job.attempts = attempt.0;
        if entry.cancel_asked {
            self.release(id, &run.runner, now, out);
            return self.finish(id, Some(attempt), cancelled(), now, out);
        }
        if self.stopping || !self.serves(&run.runner) {
            self.release(id, &run.runner, now, out);
            return self.interrupted(id, attempt, false, now, out);
        }
        let runner = run.runner.clone();
        self.run(id, run, now);
        out.push(Effect::Send { id, attempt, runner });
    }

    pub(super) fn begin_refused(&mut self, id: RequestId, attempt: Attempt, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(run) = self.beginning(id, attempt) else { return };
        self.release(id, &run.runner, now, out);
        self.forget(id, out);
    }

    pub(super) fn begin_failed(&mut self, id: RequestId, attempt: Attempt, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(run) = self.beginning(id, attempt) else { return };
        self.release(id, &run.runner, now, out);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.last_failure = Some("the claim could not be written to the store".into());
        }
        self.back_to_wait(id, now.plus(STORE_PAUSE), now, out);
    }

    pub(super) fn requeued(&mut self, id: RequestId, attempt: Attempt, now: Timestamp, out: &mut Vec<Effect>) {
        if let Some(State::Requeueing { attempt: current, until }) = self.entries.get(&id).map(|entry| &entry.state)
            && *current == attempt
        {
            self.back_to_wait(id, *until, now, out);
        }
    }

    pub(super) fn requeue_refused(&mut self, id: RequestId, attempt: Attempt, out: &mut Vec<Effect>) {
        let state = self.entries.get(&id).map(|entry| &entry.state);
        if matches!(state, Some(State::Requeueing { attempt: current, .. }) if *current == attempt) {
            self.forget(id, out);
        }
    }

    fn back_to_wait(&mut self, id: RequestId, until: Timestamp, now: Timestamp, out: &mut Vec<Effect>) {
        if self.entries.get(&id).is_some_and(|entry| entry.cancel_asked) {
            return self.finish(id, None, cancelled(), now, out);
        }
        if self.closing {
            return self.finish(id, None, failed(removed()), now, out);
        }
        let state = if until > now { State::Paused { until } } else { State::Waiting };
        self.become_state(id, state, now);
    }

    pub(super) fn finish(
        &mut self,
        id: RequestId,
        attempt: Option<Attempt>,
        end: End,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        self.become_state(id, State::Ending { removed: false }, now);
        out.push(Effect::Finish { id, attempt, end });
    }

    pub(super) fn ended(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        let Some(State::Ending { removed }) = self.entries.get(&id).map(|entry| &entry.state) else { return };
        if *removed {
            out.push(Effect::AnswerCancel { id, answer: CancelAnswer::Removed });
        }
        self.forget(id, out);
    }
}

pub(super) fn cancelled() -> End {
    let failure = Failure::new(ErrorType::ClientCancelled, "the request was cancelled");
    End::Failure { outcome: Outcome::Cancelled, failure }
}

pub(super) fn failed(failure: Failure) -> End {
    End::Failure { outcome: Outcome::Failed, failure }
}

pub(super) fn removed() -> Failure {
    Failure::new(ErrorType::RunnerSchedulingFailure, "the app was deleted before the request was done")
}

pub(super) fn stopping() -> Failure {
    Failure::new(ErrorType::RunnerSchedulingFailure, "the server is being stopped; try again in a moment")
}
