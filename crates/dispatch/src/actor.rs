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
    app::{App, Event, RunnerState, Why},
};
use tintype_store::{RequestRecord, StoredRequest, StoredResponse};
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
        let wake_at = inner.app.next_wake();
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
        inner.wake_at = inner.app.next_wake();
        inner.wake_at.map(|at| at.since(now))
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
    pub fn keep(&mut self, ticket: Ticket) {
        self.tickets.insert(ticket.record.id, ticket);
    }
}
