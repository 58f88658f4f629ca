//! What the machine hears and what it asks for.

use serde::{Deserialize, Serialize};

use super::{Spec, Step, Strategy};
use crate::{AccountId, Attempt, Failure, Outcome, Priority, RequestId, RetryBudget, RunnerId, Timestamp, Verdict};

/// Whether a request passes the queue, and so the store, or its caller holds the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Queued,
    Direct,
}

/// A request as the machine knows it. Times are on the machine's own steady clock.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: RequestId,
    pub account: AccountId,
    pub priority: Priority,
    pub kind: Kind,
    /// Not begun by then: it expires.
    pub start_deadline: Option<Timestamp>,
    /// Not begun by then: a direct call is told that there is no room.
    pub give_up_at: Option<Timestamp>,
    pub hint: Option<String>,
    pub retry: RetryBudget,
    /// Attempts begun so far.
    pub attempts: u32,
    /// Attempts during which the runner died.
    pub crashes: u32,
}

#[derive(Clone, Debug)]
pub enum Event {
    /// A new request; a queued one is already in the store.
    Arrived(Job),
    /// A request that the last server left; `running`: an attempt was under way, on `runner` as far as is known.
    Recovered {
        job: Job,
        running: bool,
        runner: Option<RunnerId>,
    },
    /// The claim is committed.
    Began {
        id: RequestId,
        attempt: Attempt,
    },
    /// The store no longer holds the request as waiting.
    BeginRefused {
        id: RequestId,
        attempt: Attempt,
    },
    /// The store could not be written.
    BeginFailed {
        id: RequestId,
        attempt: Attempt,
    },
    /// An attempt came to something.
    Reported {
        id: RequestId,
        attempt: Attempt,
        verdict: Verdict,
    },
    Requeued {
        id: RequestId,
        attempt: Attempt,
    },
    /// The store did not hold the attempt as running.
    RequeueRefused {
        id: RequestId,
        attempt: Attempt,
    },
    /// The end is committed.
    Ended {
        id: RequestId,
    },
    CancelAsked {
        id: RequestId,
    },
    /// The runner took the word that the request is cancelled.
    CancelAccepted {
        id: RequestId,
        attempt: Attempt,
    },
    /// The caller of a direct call is gone.
    CallerGone {
        id: RequestId,
    },
    /// These runners of the last server live; each was decided on then, and is as the definition that serves would have
    /// it. They work on nothing that this server knows of, and each is told to be ready, as any, once it works on
    /// nothing at all. All at once, or others would be started in the place of those that are still to be named. With
    /// the steps of each one's start, as the last server wrote them down.
    Adopted {
        runners: Vec<(RunnerId, Vec<Step>)>,
    },
    RunnerStage {
        runner: RunnerId,
        name: String,
        detail: Option<String>,
    },
    RunnerReady {
        runner: RunnerId,
    },
    RunnerHints {
        runner: RunnerId,
        hints: Vec<String>,
    },
    RunnerUnhealthy {
        runner: RunnerId,
        detail: String,
    },
    RunnerExited {
        runner: RunnerId,
        reason: String,
        /// Its process existed.
        began: bool,
    },
    /// A new definition is to take the place of the old one; answer in time: `RolloutEnded`. Generations only grow.
    Replace {
        generation: u32,
        spec: Spec,
        strategy: Strategy,
    },
    /// The same definition with fresh runners; `force` kills the old ones.
    Restart {
        generation: u32,
        force: bool,
    },
    /// Other scaling and limits, at once.
    Retune {
        spec: Spec,
    },
    /// The app is no more.
    Remove,
    /// Somebody wants this runner to end; `replace_first`: once another is ready.
    StopRunner {
        runner: RunnerId,
        replace_first: bool,
    },
    KillRunner {
        runner: RunnerId,
    },
    /// Time has passed.
    Tick,
    /// Begin nothing more.
    Stop,
    /// Give up what is still under way; queued requests go back to the store.
    Halt,
}

/// What must be done next, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Commit the claim; answer `Began`, `BeginRefused` or `BeginFailed`.
    Begin {
        id: RequestId,
        attempt: Attempt,
        runner: RunnerId,
    },
    /// Send a queued attempt; answer `Reported`.
    Send {
        id: RequestId,
        attempt: Attempt,
        runner: RunnerId,
    },
    /// Give a direct call its slot.
    Grant {
        id: RequestId,
        attempt: Attempt,
        runner: RunnerId,
    },
    /// Tell a waiting direct call that it gets no slot.
    Refuse {
        id: RequestId,
        failure: Failure,
    },
    /// The attempt is over for the platform: whoever still works for it must stop.
    Revoke {
        id: RequestId,
        attempt: Attempt,
        failure: Failure,
    },
    /// Tell the runner that the request is cancelled; answer `CancelAccepted` if it takes the word.
    AskCancel {
        id: RequestId,
        attempt: Attempt,
        runner: RunnerId,
    },
    /// Commit the return to the queue; answer `Requeued` or `RequeueRefused`.
    Requeue {
        id: RequestId,
        attempt: Attempt,
        crashed: bool,
    },
    /// Commit the end; answer `Ended`.
    Finish {
        id: RequestId,
        attempt: Option<Attempt>,
        end: End,
    },
    /// Answer those who asked to cancel.
    AnswerCancel {
        id: RequestId,
        answer: CancelAnswer,
    },
    /// The machine no longer knows the request.
    Forget {
        id: RequestId,
    },
    /// Start one of the definition of this generation.
    StartRunner {
        runner: RunnerId,
        generation: u32,
    },
    /// The definition of this generation serves from now on, or, for a reason, never will.
    RolloutEnded {
        generation: u32,
        failed: Option<String>,
    },
    /// SIGTERM, and SIGKILL after the grace period.
    TerminateRunner {
        runner: RunnerId,
    },
    KillRunner {
        runner: RunnerId,
    },
    /// See whether it still takes connections; answer `RunnerUnhealthy` if not.
    ProbeRunner {
        runner: RunnerId,
    },
}

/// How a queued request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With the answer of this attempt.
    Answer {
        outcome: Outcome,
    },
    Failure {
        outcome: Outcome,
        failure: Failure,
    },
}

impl End {
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Answer { outcome } | Self::Failure { outcome, .. } => *outcome,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It waited; now it is cancelled for good.
    Removed,
    /// It is under way and may still complete.
    Requested,
    /// The machine does not know it.
    Unknown,
}
