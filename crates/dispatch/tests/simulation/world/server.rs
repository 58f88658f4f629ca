//! The server's life: its start, its deaths, its writes, its callers.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use tintype_domain::{
    AccountId, Attempt, RequestId, RetryBudget, Timestamp, Verdict,
    app::{Event, Job, Kind},
};
use tintype_store::{EnqueueError, Finish, NewRequest, RequestState, Store, StoredResponse};

use super::{Happening, Op, World};
use crate::{machine::Machine, plan::Wish};

/// The store in memory never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the store in memory answers at once")
}

impl<M: Machine> World<M> {
    // --- callers ---

    pub(super) fn submit(&mut self, wish: Wish) {
        if self.machine.is_none() {
            // The caller tries again.
            let delay = self.dice.millis(200, 2000);
            return self.after(delay, Happening::Submit(wish));
        }
        if self.owner.deleted {
            return;
        }
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.dice.roll().to_le_bytes());
        let id = RequestId::new(self.day(), random);
        let direct = wish.direct;
        if let Some(after) = wish.cancel_after {
            self.after(after, if direct { Happening::Leave(id) } else { Happening::Cancel(id) });
        }
        let deadline = wish.start_within.map(|within| self.day().plus(within));
        self.checks.wished(id, wish, deadline);
        if direct {
            self.checks.admitted(id, self.steady(deadline));
            let job = self.job(id, Kind::Direct, deadline, 0, 0);
            return self.step(Event::Arrived(job));
        }
        self.write(Op::Enqueue { id });
    }

    pub(super) fn cancel(&mut self, id: RequestId) {
        // Without a server the caller finds nobody to ask; an unknown or ended request is the store's to answer.
        if self.machine.as_ref().is_some_and(|machine| machine.app().knows(id)) {
            self.checks.cancel_asked(id);
            self.step(Event::CancelAsked { id });
        }
    }

    pub(super) fn leave(&mut self, id: RequestId) {
        if self.machine.is_none() {
            return;
        }
        self.step(Event::CallerGone { id });
        let on = self
            .processes
            .iter()
            .find_map(|(runner, process)| process.running.get(&id).map(|attempt| (runner.clone(), *attempt)));
        match on {
            None => self.checks.direct_left(id),
            Some((runner, attempt)) => {
                if self.dice.chance(50) {
                    self.soon(50, Event::CancelAccepted { id, attempt });
                }
                let verdict = Verdict::broken(tintype_domain::ErrorType::ClientDisconnected, "left");
                let delay = self.dice.millis(10, 6000);
                self.after(delay, Happening::AttemptEnds { runner, id, attempt, verdict });
            }
        }
    }

    fn job(&self, id: RequestId, kind: Kind, deadline: Option<Timestamp>, attempts: u32, crashes: u32) -> Job {
        let wish = self.checks.wish(id);
        Job {
            id,
            account: AccountId::new(wish.account),
            priority: wish.priority,
            kind,
            start_deadline: self.steady(deadline),
            give_up_at: (kind == Kind::Direct).then(|| self.now.plus(Duration::from_secs(60))),
            hint: wish.hint.map(str::to_owned),
            retry: RetryBudget { never: wish.never, ..RetryBudget::default() },
            attempts,
            crashes,
        }
    }

    fn steady(&self, day: Option<Timestamp>) -> Option<Timestamp> {
        day.map(|day| Timestamp::from_micros(day.as_micros() - self.day_offset))
    }

    // --- writes ---

    /// Performs a write and tells the machine, unless the server dies before or in between.
    pub(super) fn operate(&mut self, op: Op) {
        if let Some(event) = self.carry_out(op) {
            if self.unlucky() {
                return self.kill();
            }
            self.step(event);
        }
    }

    fn carry_out(&mut self, op: Op) -> Option<Event> {
        self.seen.full += u32::from(self.full);
        match op {
            Op::Enqueue { id } => self.enqueue(id),
            Op::Begin { id, attempt, runner } => {
                let begun = now(self.store.begin_attempt(id, attempt, id, runner, self.day()));
                Some(match begun {
                    Ok(true) => Event::Began { id, attempt },
                    Ok(false) => self.recheck(id, attempt),
                    Err(_) => Event::BeginFailed { id, attempt },
                })
            }
            Op::Requeue { id, attempt, crashed } => match now(self.store.requeue(id, attempt, crashed, self.day())) {
                Ok(true) => Some(Event::Requeued { id, attempt }),
                Ok(false) => Some(match now(self.store.request(id)) {
                    Ok(Some(record)) if record.state == RequestState::Waiting && record.attempts == attempt.0 => {
                        Event::Requeued { id, attempt }
                    }
                    _ => Event::RequeueRefused { id, attempt },
                }),
                Err(_) => self.again(Op::Requeue { id, attempt, crashed }),
            },
            Op::Finish { id, attempt, end } => match now(self.store.finish(id, attempt, self.finish(&end))) {
                Ok(committed) => {
                    if committed {
                        self.checks.committed_end(id, attempt, end.outcome());
                    }
                    Some(Event::Ended { id })
                }
                Err(_) => self.again(Op::Finish { id, attempt, end }),
            },
        }
    }

    fn again(&mut self, op: Op) -> Option<Event> {
        self.schedule(Duration::from_secs(1), Some(self.life), Happening::Op(op));
        None
    }

    fn enqueue(&mut self, id: RequestId) -> Option<Event> {
        let wish = self.checks.wish(id).clone();
        let deadline = self.checks.deadline(id);
        let request = NewRequest {
            id,
            account: AccountId::new(wish.account),
            app: "acme/app".parse().unwrap(),
            path: String::new(),
            method: "POST".into(),
            priority: wish.priority,
            submitted_at: self.day(),
            start_deadline: deadline,
            hint: wish.hint.map(str::to_owned),
            retry: RetryBudget { never: wish.never, ..RetryBudget::default() },
            headers: Vec::new(),
            body: Bytes::new(),
            webhook: None,
            keep_payloads: true,
            idempotency: None,
        };
        match now(self.store.enqueue(request)) {
            Ok(_) => {
                self.checks.acknowledged(id);
                self.checks.admitted(id, self.steady(deadline));
                Some(Event::Arrived(self.job(id, Kind::Queued, deadline, 0, 0)))
            }
            Err(EnqueueError::Store(_) | EnqueueError::KeyReused { .. }) => {
                self.checks.never_accepted(id);
                None
            }
        }
    }

    fn recheck(&self, id: RequestId, attempt: Attempt) -> Event {
        match now(self.store.request(id)) {
            Ok(Some(record)) if record.state == RequestState::Running && record.attempts == attempt.0 => {
                Event::Began { id, attempt }
            }
            Ok(Some(record)) if record.state == RequestState::Waiting => Event::BeginFailed { id, attempt },
            Err(_) => Event::BeginFailed { id, attempt },
            Ok(_) => Event::BeginRefused { id, attempt },
        }
    }

    fn finish(&self, end: &tintype_domain::app::End) -> Finish {
        Finish {
            outcome: end.outcome(),
            response: StoredResponse { status: 200, headers: Vec::new(), body: Bytes::new() },
            error: None,
            error_type: None,
            at: self.day(),
            expires_at: self.day().plus(Duration::from_secs(1_000_000)),
        }
    }

    pub(super) fn check_claim(&mut self, id: RequestId, attempt: Attempt) {
        let found = now(self.store.request(id)).ok().flatten();
        let held = found.is_some_and(|record| record.state == RequestState::Running && record.attempts == attempt.0);
        self.checks.ensure(held, || format!("{id} was sent as attempt {attempt} without a committed claim"));
    }

    // --- life and death ---

    pub(super) fn start(&mut self) {
        if self.machine.is_some() {
            return;
        }
        self.life += 1;
        self.stopping = false;
        self.checks.new_life();
        self.machine = Some((self.make)(self.spec.clone(), format!("r{}", self.life)));
        self.new_life();
        let life = self.life;
        self.adopt_runners();
        if self.life != life || self.machine.is_none() {
            return;
        }
        for pending in now(self.store.pending()).expect("reading works") {
            let running = pending.running;
            self.checks.admitted(pending.id, self.steady(pending.start_deadline));
            if running {
                self.checks.not_fresh(pending.id);
            }
            let job = self.job(pending.id, Kind::Queued, pending.start_deadline, pending.attempts, pending.crashes);
            let runner = now(self.store.request(pending.id)).ok().flatten().and_then(|record| record.runner);
            self.step(Event::Recovered { job, running, runner });
            if self.life != life || self.machine.is_none() {
                return;
            }
        }
        self.step(Event::Tick);
    }

    /// `kill -9`. A write under way is done or not; a late one may still be done after the next server is up.
    pub(super) fn kill(&mut self) {
        if self.machine.take().is_none() {
            return;
        }
        self.seen.kills += 1;
        self.delete(false);
        self.fatal = self.fatal.filter(|at| *at != self.effects);
        for happening in self.cut_off() {
            let Happening::Op(op) = happening else { continue };
            match self.dice.below(3) {
                0 => self.late(op),
                1 if matches!(op, Op::Requeue { .. } | Op::Finish { .. }) => {
                    let delay = self.dice.millis(0, 3000);
                    self.after(delay, Happening::Late(op));
                }
                _ => {}
            }
        }
        self.orphan_runners();
        self.checks.server_died();
        let delay = self.dice.millis(50, 4000);
        self.after(delay, Happening::Start);
    }

    /// A write of a server that is no more: done, and nobody is told.
    pub(super) fn late(&mut self, op: Op) {
        let fenced = match op {
            Op::Enqueue { id } => {
                self.enqueue(id);
                false
            }
            Op::Begin { id, attempt, runner } => {
                now(self.store.begin_attempt(id, attempt, id, runner, self.day())).is_err()
            }
            Op::Requeue { id, attempt, crashed } => {
                now(self.store.requeue(id, attempt, crashed, self.day())).is_ok_and(|held| !held)
            }
            Op::Finish { id, attempt, end } => {
                let held = now(self.store.finish(id, attempt, self.finish(&end)));
                if held.as_ref().is_ok_and(|held| *held) {
                    self.checks.committed_end(id, attempt, end.outcome());
                }
                held.is_ok_and(|held| !held)
            }
        };
        self.seen.fenced += u32::from(fenced);
    }

    pub(super) fn stop(&mut self) {
        if self.machine.is_none() {
            return;
        }
        self.seen.stops += 1;
        self.stopping = true;
        self.schedule(Duration::from_secs(3), Some(self.life), Happening::Halt);
        self.schedule(Duration::from_secs(8), Some(self.life), Happening::Off);
        self.step(Event::Stop);
    }

    pub(super) fn halt(&mut self) {
        self.step(Event::Halt);
    }

    pub(super) fn off(&mut self) {
        let Some(machine) = self.machine.take() else { return };
        if machine.app().is_settled() {
            let (processes, full) = (self.processes.len(), self.full);
            self.checks.ensure(processes == 0, || format!("{processes} processes outlive a server that has settled"));
            let running =
                now(self.store.pending()).expect("reading works").into_iter().filter(|pending| pending.running);
            let running = running.count();
            self.checks.ensure(running == 0 || full, || format!("{running} requests still run after a server settled"));
        } else {
            self.checks.ensure(self.full || self.seen.full > 0, || "a server did not settle within its grace".into());
        }
        self.cut_off();
        self.processes.clear();
        self.checks.server_died();
        let delay = self.dice.millis(50, 2000);
        self.after(delay, Happening::Start);
    }
}
