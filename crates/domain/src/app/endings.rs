//! What ends a request, or keeps it from beginning: cancellation and deadlines.

use std::time::Duration;

use super::{
    App, CancelAnswer, Effect, End, Kind,
    entry::{Run, State, Watch},
    fleet::Asked,
    requests::cancelled,
};
use crate::{Attempt, ErrorType, Failure, Outcome, RequestId, Timestamp, Verdict};

/// A cancelled attempt has at least this long to end by itself.
const SHORTEST_CANCEL_GRACE: Duration = Duration::from_secs(1);

impl App {
    pub(super) fn cancel_asked(&mut self, id: RequestId, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.job.kind == Kind::Queued) else {
            return out.push(Effect::AnswerCancel { id, answer: CancelAnswer::Unknown });
        };
        let again = std::mem::replace(&mut entry.cancel_asked, true);
        match entry.state.clone() {
            State::Waiting | State::Paused { .. } => {
                self.finish(id, None, cancelled(), now, out);
                return self.become_state(id, State::Ending { removed: true }, now);
            }
            State::Held { attempt, .. } => {
                self.finish(id, Some(attempt), cancelled(), now, out);
                return self.become_state(id, State::Ending { removed: true }, now);
            }
            // Those who asked are answered once the end is committed.
            State::Ending { removed: true } => return,
            State::Running(Run { attempt, runner }, _) if !again => out.push(Effect::AskCancel { id, attempt, runner }),
            State::Running(..) | State::Beginning(_) | State::Requeueing { .. } | State::Ending { .. } => {}
        }
        out.push(Effect::AnswerCancel { id, answer: CancelAnswer::Requested });
    }

    pub(super) fn cancel_accepted(&mut self, id: RequestId, attempt: Attempt, now: Timestamp) {
        let grace = self.spec.termination_grace_period.max(SHORTEST_CANCEL_GRACE);
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if let State::Running(run, watch) = &mut entry.state
            && run.attempt == attempt
        {
            watch.cancel_at = Some(now.plus(grace));
            self.rearm(id);
        }
    }

    pub(super) fn caller_gone(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.job.kind == Kind::Direct) else { return };
        entry.cancel_asked = true;
        // One that is under way keeps its slot until its lease reports.
        if entry.state == State::Waiting {
            self.forget(id, out);
        }
    }

    /// A moment has come that this request was waiting for.
    pub(super) fn alarm(&mut self, id: RequestId, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        match entry.state.clone() {
            State::Waiting | State::Paused { .. } if due(entry.job.start_deadline) => self.expire(id, now, out),
            State::Waiting => self.refuse(id, self.no_room(), out),
            State::Paused { .. } => self.become_state(id, State::Waiting, now),
            State::Held { attempt, .. } => self.interrupted(id, attempt, false, now, out),
            State::Running(run, watch) => self.overdue(id, &run, &watch, now, out),
            State::Beginning(_) | State::Requeueing { .. } | State::Ending { .. } => {}
        }
    }

    fn expire(&mut self, id: RequestId, now: Timestamp, out: &mut Vec<Effect>) {
        let failure = Failure::new(ErrorType::RequestTimeout, self.expired_detail(id, now));
        if self.entries.get(&id).is_some_and(|entry| entry.job.kind == Kind::Direct) {
            return self.refuse(id, failure, out);
        }
        self.finish(id, None, End::Failure { outcome: Outcome::Expired, failure }, now, out);
    }

    pub(super) fn refuse(&mut self, id: RequestId, failure: Failure, out: &mut Vec<Effect>) {
        out.push(Effect::Refuse { id, failure });
        self.forget(id, out);
    }

    fn overdue(&mut self, id: RequestId, run: &Run, watch: &Watch, now: Timestamp, out: &mut Vec<Effect>) {
        let alone = self.fleet.get(&run.runner).is_some_and(|runner| runner.in_flight.len() == 1);
        let verdict = if let Some((verdict, until)) = &watch.lost
            && *until <= now
        {
            verdict.clone()
        } else if watch.limit <= now {
            let limit = self.spec.request_timeout.as_secs_f64();
            let detail =
                format!("the request took longer than the {limit} s that this app allows; its runner was stopped");
            Verdict::broken(ErrorType::RequestTimeout, detail)
        } else if alone {
            // It was told, it had its time, and it holds nobody else up.
            self.end_runner(&run.runner, Asked::Kill, out);
            Verdict::broken(ErrorType::ClientCancelled, "the request was cancelled")
        } else {
            return self.cancel_accepted(id, run.attempt, now);
        };
        if let Verdict::Broken(failure) = &verdict {
            out.push(Effect::Revoke { id, attempt: run.attempt, failure: failure.clone() });
        }
        self.conclude(id, &verdict, now, out);
    }
}
