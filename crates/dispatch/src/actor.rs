//! One app's actor: its machine, and what the machine's effects act upon.
//!
//! The machine and its belongings are behind one lock, held for the few microseconds of a step:
//! every event is stepped, and its effects are set going, under it, so that effects begin in the
//! order in which the machine decided. No effect waits under the lock; what takes time is a task,
//! and its end is another event.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tintype_domain::{
    Attempt, Failure, RequestId, RunnerId, Timestamp,
    app::{App, Event, Job, Kind, RunnerState, Why},
};
use tintype_store::{NewRequest, Pending, RequestRecord, RequestState, StoredRequest, StoredResponse};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{AppDefinition, Call, CancelAnswer, Lease, house::House, link::Link};

/// Between two looks at the clock, however much the machine hurries.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

pub(crate) struct Actor {
    pub house: Arc<House>,
    pub definition: AppDefinition,
    inner: Mutex<Inner>,
    /// The machine wants to be woken earlier than was thought.
    earlier: Notify,
    /// Something happened; of interest while the service stops.
    pub settled: Notify,
}

struct Inner {
    app: App,
    belongings: Belongings,
    wake_at: Option<Timestamp>,
}

/// What the machine's words stand for.
#[derive(Default)]
pub(crate) struct Belongings {
    /// Queued requests.
    pub tickets: HashMap<RequestId, Ticket>,
    /// Direct calls that wait for a slot.
    pub calls: HashMap<RequestId, (Call, oneshot::Sender<Result<Lease, Failure>>)>,
    /// How attempts hear that they are given up.
    pub revokers: HashMap<RequestId, (Attempt, oneshot::Sender<Failure>)>,
    /// Answers of attempts on which the machine has yet to decide.
    pub answers: HashMap<RequestId, StoredResponse>,
    pub cancels: HashMap<RequestId, Vec<oneshot::Sender<CancelAnswer>>>,
    pub links: HashMap<RunnerId, Arc<Link>>,
}

/// A queued request that has not ended, as the store has it.
pub(crate) struct Ticket {
    pub record: RequestRecord,
    /// Kept in memory while there is room.
    pub payload: Option<Arc<StoredRequest>>,
}

impl Actor {
    pub fn new(house: Arc<House>, definition: AppDefinition) -> Arc<Self> {
        let life = uuid::Uuid::now_v7().simple().to_string();
        // The tail of the id is random: two lives of a server never name a runner alike.
        let name = format!("{}-{}", definition.app.alias(), &life[life.len() - 8..]);
        let app = App::new(definition.spec.clone(), name);
        let inner = Mutex::new(Inner { app, belongings: Belongings::default(), wake_at: None });
        Arc::new(Self { house, definition, inner, earlier: Notify::new(), settled: Notify::new() })
    }

    /// Steps the machine and sets its effects going.
    pub fn tell(self: &Arc<Self>, event: Event) {
        self.tell_with(|_| (), event);
    }

    /// The same, after `prepare` has put beside the machine what the event is about.
    pub fn tell_with(self: &Arc<Self>, prepare: impl FnOnce(&mut Belongings), event: Event) {
        let inner = &mut *self.inner.lock();
        prepare(&mut inner.belongings);
        let now = self.house.steady.now();
        for effect in inner.app.step(event, now) {
            self.perform(&mut inner.belongings, effect);
        }
        if self.house.stopping.load(Ordering::Relaxed) {
            self.settled.notify_one();
        }
        let wake_at = inner.app.next_wake(now);
        if wake_at.is_some_and(|at| inner.wake_at.is_none_or(|planned| at < planned)) {
            inner.wake_at = wake_at;
            self.earlier.notify_one();
        }
    }

    /// Tells the machine of the time, when it wants to know.
    pub async fn keep_time(self: Arc<Self>, stop: CancellationToken) {
        self.tell(Event::Tick);
        loop {
            let sleep = self.plan();
            let nap = async {
                match sleep {
                    Some(duration) => tokio::time::sleep(duration.max(SHORTEST_SLEEP)).await,
                    None => std::future::pending().await,
                }
            };
            let due = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.earlier.notified() => false,
                () = nap => true,
            };
            if due {
                self.tell(Event::Tick);
            }
        }
    }

    fn plan(&self) -> Option<Duration> {
        let mut inner = self.inner.lock();
        let now = self.house.steady.now();
        inner.wake_at = inner.app.next_wake(now);
        inner.wake_at.map(|at| at.since(now))
    }

    /// A request that the store has just accepted.
    pub fn admit(self: &Arc<Self>, request: NewRequest) {
        let record = accepted(&request);
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
        let ticket = Ticket { record, payload: None };
        self.tell_with(|belongings| belongings.keep(ticket), Event::Recovered { job, running: pending.running });
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
            retry: tintype_domain::RetryBudget::default(),
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

    // --- questions ---

    pub fn standing(&self, id: RequestId) -> Option<(RequestRecord, Option<usize>, Option<Why>)> {
        let inner = self.inner.lock();
        let record = inner.belongings.tickets.get(&id)?.record.clone();
        let now = self.house.steady.now();
        Some((record, inner.app.position(id), inner.app.why(id, now)))
    }

    pub fn position(&self, id: RequestId) -> Option<usize> {
        self.inner.lock().app.position(id)
    }

    pub fn waiting(&self) -> usize {
        self.inner.lock().app.waiting()
    }

    pub fn runners(&self) -> Vec<RunnerState> {
        self.inner.lock().app.runners()
    }

    pub fn is_settled(&self) -> bool {
        self.inner.lock().app.is_settled()
    }

    pub fn payload(&self, id: RequestId) -> Option<Arc<StoredRequest>> {
        self.inner.lock().belongings.tickets.get(&id)?.payload.clone()
    }

    /// The store has moved on: the record in memory follows.
    pub fn amend(&self, id: RequestId, change: impl FnOnce(&mut RequestRecord)) {
        if let Some(ticket) = self.inner.lock().belongings.tickets.get_mut(&id) {
            change(&mut ticket.record);
        }
    }
}

impl Belongings {
    fn keep(&mut self, ticket: Ticket) {
        self.tickets.insert(ticket.record.id, ticket);
    }
}

fn accepted(request: &NewRequest) -> RequestRecord {
    RequestRecord {
        id: request.id,
        account: request.account.clone(),
        app: request.app.clone(),
        path: request.path.clone(),
        priority: request.priority,
        state: RequestState::Waiting,
        attempts: 0,
        gateway_request_id: request.id,
        runner: None,
        submitted_at: request.submitted_at,
        started_at: None,
        finished_at: None,
        status_code: None,
        error: None,
        error_type: None,
        expires_at: None,
        direct: false,
        keep_payloads: request.keep_payloads,
    }
}
