//! One request inside the machine.

use std::time::Duration;

use super::{Job, queue::Seq, retry::Spent};
use crate::{Attempt, Failure, RunnerId, Timestamp, Verdict};

/// How long an exit waits for the report of an attempt, and a broken connection for the exit behind it: whichever
/// comes second explains the first.
pub(super) const EXPLANATION_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Entry {
    pub job: Job,
    pub seq: Seq,
    pub state: State,
    /// Since when it is in this state, or waits.
    pub since: Timestamp,
    /// Failed attempts that count towards the ceiling.
    pub failed: u32,
    pub spent: Spent,
    pub last_failure: Option<String>,
    pub cancel_asked: bool,
    /// It cost a runner, by its death or by an answer for which it was killed.
    pub suspect: bool,
    /// When `alarm` must be looked at; the key in the machine's set.
    pub alarm: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    /// Between two attempts.
    Paused {
        until: Timestamp,
    },
    /// The runner that the last server had sent it to may still work on it, and is being brought to an end of that.
    Held {
        attempt: Attempt,
        by: RunnerId,
        until: Timestamp,
    },
    /// The claim is being committed; the slot is taken.
    Beginning(Run),
    Running(Run, Watch),
    /// The return to the queue is being committed.
    Requeueing {
        attempt: Attempt,
        until: Timestamp,
    },
    /// The end is being committed. `removed`: by a cancellation while it waited.
    Ending {
        removed: bool,
    },
}

/// An attempt on a runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub attempt: Attempt,
    pub runner: RunnerId,
}

/// What a running attempt is waited on for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watch {
    /// The request timeout.
    pub limit: Timestamp,
    /// A cancelled attempt should have ended by then.
    pub cancel_at: Option<Timestamp>,
    /// Its connection or its runner is gone; the other half of the story is awaited.
    pub lost: Option<(Verdict, Timestamp)>,
}

impl Entry {
    pub fn new(job: Job, seq: Seq, now: Timestamp) -> Self {
        // Attempts before a restart count towards the ceiling, except those that the restart itself cut short.
        let (failed, suspect) = (job.attempts, job.crashes > 0);
        Self {
            job,
            seq,
            state: State::Waiting,
            since: now,
            failed,
            spent: Spent::default(),
            last_failure: None,
            cancel_asked: false,
            suspect,
            alarm: None,
        }
    }

    /// The next moment at which time alone changes something.
    pub fn next_alarm(&self) -> Option<Timestamp> {
        let deadline = self.job.start_deadline;
        match &self.state {
            State::Waiting => earliest([deadline, self.job.give_up_at]),
            State::Paused { until } => earliest([deadline, Some(*until)]),
            State::Held { until, .. } => Some(*until),
            State::Running(_, watch) => {
                earliest([Some(watch.limit), watch.cancel_at, watch.lost.as_ref().map(|(_, until)| *until)])
            }
            State::Beginning(_) | State::Requeueing { .. } | State::Ending { .. } => None,
        }
    }

    pub fn waits(&self) -> bool {
        matches!(self.state, State::Waiting | State::Paused { .. })
    }

    /// What keeps the server from ending in good order.
    pub fn unsettled(&self) -> bool {
        !self.waits()
    }
}

/// Adds what is known of a runner's end to the failure that it caused.
pub(super) fn explain(verdict: Verdict, reason: &str) -> Verdict {
    match verdict {
        Verdict::Broken(Failure { error_type, detail }) if !detail.contains(reason) => {
            Verdict::broken(error_type, format!("{detail}: {reason}"))
        }
        other => other,
    }
}

fn earliest<const N: usize>(times: [Option<Timestamp>; N]) -> Option<Timestamp> {
    times.into_iter().flatten().min()
}
