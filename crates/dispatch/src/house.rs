//! What all actors share.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use tintype_domain::{AppId, LogEntry, RequestId, RunnerId, Timestamp};
use tintype_launch::Survivor;
use tintype_store::{DirectCall, Pending, StoreError};
use tokio::{runtime::Handle, sync::Mutex as AsyncMutex};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Parts, actor::Actor, batch::Batch, chronicle::Chronicle, lately::Lately, steady::Steady, watchers::Watchers,
};

pub(crate) struct House {
    pub parts: Parts,
    pub steady: Steady,
    pub watchers: Arc<Watchers>,
    pub logs: Batch<(RequestId, LogEntry)>,
    pub calls: Batch<DirectCall>,
    pub chronicle: Chronicle,
    pub apps: RwLock<BTreeMap<AppId, Arc<Actor>>>,
    /// Apps that were removed and whose runners have not ended yet.
    pub leaving: Mutex<Vec<Arc<Actor>>>,
    /// Open requests of apps that do not run here (yet).
    pub orphans: Mutex<HashMap<AppId, Vec<Pending>>>,
    /// Runners that outlived the last server, until their apps are taken up.
    pub survivors: Mutex<Vec<Survivor>>,
    /// Held while an app is taken up.
    pub registering: AsyncMutex<()>,
    /// The end of everything in the background.
    pub end: CancellationToken,
    pub stopping: AtomicBool,
    /// Which actor has an open request.
    open: RwLock<HashMap<RequestId, Weak<Actor>>>,
    lately: Mutex<Lately>,
    /// Bytes of request bodies kept in memory.
    cached: AtomicUsize,
    tasks: TaskTracker,
    runtime: Handle,
}

impl House {
    pub fn new(parts: Parts) -> Self {
        Self {
            steady: Steady::new(parts.clock.clone()),
            parts,
            watchers: Arc::default(),
            logs: Batch::new("log lines"),
            calls: Batch::new("records of direct calls"),
            chronicle: Chronicle::new(),
            apps: RwLock::default(),
            leaving: Mutex::default(),
            orphans: Mutex::default(),
            survivors: Mutex::default(),
            registering: AsyncMutex::default(),
            end: CancellationToken::new(),
            stopping: AtomicBool::new(false),
            open: RwLock::default(),
            lately: Mutex::default(),
            cached: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        }
    }

    /// The time of day, for what is stored and shown.
    pub fn day(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Every task of dispatch. A task that fails leaves its request as the store has it: the next start takes it up.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    pub fn new_id(&self) -> RequestId {
        let mut random = [0; 10];
        random.copy_from_slice(&uuid::Uuid::now_v7().as_bytes()[6..]);
        RequestId::new(self.day(), random)
    }

    pub fn opened(&self, id: RequestId, actor: &Arc<Actor>) {
        self.open.write().insert(id, Arc::downgrade(actor));
    }

    pub fn closed(&self, id: RequestId) {
        if let Some(actor) = self.open.write().remove(&id) {
            self.lately.lock().add(id, actor);
        }
    }

    /// Which actor has the request, or had it a moment ago.
    pub fn last_actor_of(&self, id: RequestId) -> Option<Arc<Actor>> {
        self.actor_of(id).or_else(|| self.lately.lock().actor_of(id))
    }

    pub fn actor_of(&self, id: RequestId) -> Option<Arc<Actor>> {
        self.open.read().get(&id)?.upgrade()
    }

    pub fn app(&self, app: &AppId) -> Option<Arc<Actor>> {
        self.apps.read().get(app).cloned()
    }

    /// The actors of all apps, those included that are going.
    pub fn actors(&self) -> Vec<Arc<Actor>> {
        let mut all: Vec<_> = self.apps.read().values().cloned().collect();
        all.extend(self.leaving.lock().iter().cloned());
        all
    }

    pub fn home_of(&self, runner: &RunnerId) -> Option<Arc<Actor>> {
        self.actors().into_iter().find(|actor| actor.houses(runner))
    }

    /// Room in memory for a request body, if there is any.
    pub fn reserve(&self, bytes: usize) -> bool {
        let limit = self.parts.options.body_cache_bytes;
        let fits = |used: usize| used.checked_add(bytes).filter(|total| *total <= limit);
        self.cached.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    pub fn unreserve(&self, bytes: usize) {
        self.cached.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub async fn flush_logs(&self) -> Result<(), StoreError> {
        self.logs.flush(|lines| self.parts.store.append_logs(lines)).await
    }

    pub async fn flush_calls(&self) -> Result<(), StoreError> {
        self.calls.flush(|calls| self.parts.store.record_direct(calls)).await
    }

    /// Waits for every task.
    pub async fn quiet(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
