//! What comes to an actor: accepted requests, recovered ones, calls, cancellations.

use std::sync::Arc;

use tintype_domain::{
    AccountId, Failure, RequestId, RetryBudget, Timestamp,
    app::{Event, Job, Kind},
};
use tintype_store::{NewRequest, Pending, RequestRecord, StoredRequest};
use tokio::sync::oneshot;

use crate::{
    Call, CancelAnswer, Lease,
    actor::{Actor, Ticket},
};

impl Actor {
    /// A request that the store has just accepted.
    pub fn admit(self: &Arc<Self>, request: NewRequest) {
        let record = RequestRecord::waiting(&request);
        let job = Job {
            id: request.id,
            account: request.account,
            priority: request.priority,
            kind: Kind::Queued,
            start_deadline: request.start_deadline.map(|deadline| self.house.steady.of_day(deadline)),
            give_up_at: None,
            hint: request.hint,
            retry: request.retry,
            attempts: 0,
            crashes: 0,
        };
        let payload = self.house.reserve(request.body.len()).then(|| {
            let (method, path) = (request.method, request.path);
            Arc::new(StoredRequest { method, path, headers: request.headers, body: request.body })
        });
        self.house.opened(job.id, self);
        self.tell_with(|belongings| belongings.keep(Ticket { record, payload }), Event::Arrived(job));
    }

    /// By when a request must begin that does not say so itself: the app's own limit, for its owner's requests.
    pub fn start_deadline(&self, account: &AccountId, from: Timestamp) -> Option<Timestamp> {
        let limit = self.ask(|app| app.spec().request_start_timeout)?;
        (*account == self.owner).then(|| from.plus(limit))
    }

    /// A request that was open when the last server stopped.
    pub fn recover(self: &Arc<Self>, pending: Pending, record: RequestRecord) {
        let job = Job {
            id: pending.id,
            account: pending.account,
            priority: pending.priority,
            kind: Kind::Queued,
            start_deadline: pending.start_deadline.map(|deadline| self.house.steady.of_day(deadline)),
            give_up_at: None,
            hint: pending.hint,
            retry: pending.retry,
            attempts: pending.attempts,
            crashes: pending.crashes,
        };
        self.house.opened(job.id, self);
        let (running, runner) = (pending.running, record.runner.clone());
        let ticket = Ticket { record, payload: None };
        self.tell_with(|belongings| belongings.keep(ticket), Event::Recovered { job, running, runner });
    }

    /// Puts a direct call in the queue; the answer is a lease or a refusal.
    pub fn call(self: &Arc<Self>, call: Call) -> oneshot::Receiver<Result<Lease, Failure>> {
        let (answer, answered) = oneshot::channel();
        let steady = &self.house.steady;
        let job = Job {
            id: call.id,
            account: call.account.clone(),
            priority: call.priority,
            kind: Kind::Direct,
            start_deadline: call.start_deadline.map(|deadline| steady.of_day(deadline)),
            give_up_at: Some(steady.now().plus(self.house.parts.options.direct_wait)),
            hint: call.hint.clone(),
            retry: RetryBudget::default(),
            attempts: 0,
            crashes: 0,
        };
        self.tell_with(|belongings| _ = belongings.calls.insert(call.id, (call, answer)), Event::Arrived(job));
        answered
    }

    pub fn cancel(self: &Arc<Self>, id: RequestId) -> oneshot::Receiver<CancelAnswer> {
        let (answer, answered) = oneshot::channel();
        self.tell_with(|belongings| belongings.cancels.entry(id).or_default().push(answer), Event::CancelAsked { id });
        answered
    }
}
