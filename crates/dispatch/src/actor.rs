//! One app's actor: its machine, and what the machine's effects act upon.
//!
//! The machine and its belongings are behind one lock, held for the few microseconds of a step:
//! every event is stepped, and its effects are set going, under it, so that effects begin in the
//! order in which the machine decided. No effect waits under the lock; what takes time is a task,
//! and its end is another event.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tintype_domain::{
    AccountId, AppId, Attempt, Failure, RequestId, RunnerId, Timestamp,
    app::{App, Event, RunnerState, Why},
};
use tintype_store::{RequestRecord, StoredRequest, StoredResponse};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{AppDefinition, Call, CancelAnswer, Lease, RolloutFailed, house::House, link::Link};

/// Between two looks at the clock, however much the machine hurries.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

pub(crate) struct Actor {
    pub house: Arc<House>,
    pub app: AppId,
    pub owner: AccountId,
    inner: Mutex<Inner>,
    /// The machine wants to be woken earlier than was thought.
    earlier: Notify,
    /// Something happened; of interest while the service stops or the app goes.
    moved: Notify,
    /// Ends its clock.
    pub end: CancellationToken,
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
    pub residents: HashMap<RunnerId, Resident>,
    /// The definition that serves and those that may, by generation.
    pub definitions: BTreeMap<u32, Arc<AppDefinition>>,
    /// The generation that serves.
    pub serving: u32,
    /// Generations so far.
    pub generations: u32,
    /// Those who wait for the end of a rollout, by its generation.
    pub rollouts: HashMap<u32, oneshot::Sender<Result<(), RolloutFailed>>>,
}

/// A runner that exists, or is being started.
#[derive(Clone)]
pub(crate) struct Resident {
    pub link: Arc<Link>,
    /// What it was started from.
    pub definition: Arc<AppDefinition>,
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
        let machine = App::new(definition.spec.clone(), name);
        let (app, owner, end) = (definition.app.clone(), definition.owner.clone(), house.end.child_token());
        let definitions = [(0, Arc::new(definition))].into();
        let belongings = Belongings { definitions, ..Belongings::default() };
        let inner = Mutex::new(Inner { app: machine, belongings, wake_at: None });
        Arc::new(Self { house, app, owner, inner, earlier: Notify::new(), moved: Notify::new(), end })
    }

    /// Begins to keep time.
    pub fn wind_up(self: &Arc<Self>) {
        self.house.spawn(self.clone().keep_time());
    }

    /// Steps the machine and sets its effects going.
    pub fn tell(self: &Arc<Self>, event: Event) {
        self.tell_with(|_| (), event);
    }

    /// The same, after `prepare` has put beside the machine what the event is about.
    pub fn tell_with(self: &Arc<Self>, prepare: impl FnOnce(&mut Belongings), event: Event) {
        self.tell_of(|belongings| {
            prepare(belongings);
            event
        });
    }

    /// The same, where what happened is known only under the lock.
    pub fn tell_of(self: &Arc<Self>, event: impl FnOnce(&mut Belongings) -> Event) {
        let inner = &mut *self.inner.lock();
        let event = event(&mut inner.belongings);
        let now = self.house.steady.now();
        for effect in inner.app.step(event, now) {
            self.perform(&mut inner.belongings, effect);
        }
        if self.house.stopping.load(Ordering::Relaxed) || inner.app.is_closing() {
            self.moved.notify_waiters();
        }
        let wake_at = inner.app.next_wake();
        if wake_at.is_some_and(|at| inner.wake_at.is_none_or(|planned| at < planned)) {
            inner.wake_at = wake_at;
            self.earlier.notify_one();
        }
    }

    /// Tells the machine of the time, when it wants to know.
    async fn keep_time(self: Arc<Self>) {
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
                () = self.end.cancelled() => return,
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

    /// Asks the machine.
    pub fn ask<T>(&self, question: impl FnOnce(&App) -> T) -> T {
        question(&self.inner.lock().app)
    }

    /// The machine's runners, and a place for the one that a back-off holds up; each with its definition.
    pub fn runners<T>(&self, view: impl Fn(&App, RunnerState, &AppDefinition) -> T) -> Vec<T> {
        let Inner { app, belongings, .. } = &*self.inner.lock();
        let now = self.house.steady.now();
        let serving = belongings.definitions.get(&belongings.serving);
        let of = |runner: &RunnerId| belongings.residents.get(runner).map(|resident| &resident.definition).or(serving);
        let all = app.runners().into_iter().chain(app.backoff(now));
        all.filter_map(|state| of(&state.runner).map(|definition| view(app, state, definition))).collect()
    }

    /// The definition that serves.
    pub fn definition(&self) -> Arc<AppDefinition> {
        let belongings = &self.inner.lock().belongings;
        belongings.definitions.get(&belongings.serving).expect("an app has a definition that serves").clone()
    }

    pub fn houses(&self, runner: &RunnerId) -> bool {
        self.inner.lock().belongings.residents.contains_key(runner)
    }

    /// Waits until the machine is as `wanted`; only while the service stops or the app goes.
    pub async fn until(&self, wanted: impl Fn(&App) -> bool) {
        loop {
            let moved = self.moved.notified();
            if self.ask(&wanted) {
                return;
            }
            moved.await;
        }
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
