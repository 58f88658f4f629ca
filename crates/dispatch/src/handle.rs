//! The way in.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tintype_domain::{
    AppId, Attempt, ErrorType, Failure, RequestId,
    app::{App, Event},
};
use tintype_store::{Enqueued, NewRequest, RequestRecord, RequestState, StoreError, StoredLog};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    Call, CancelAnswer, Lease, RunnerView, Status, SubmitError, Submitted, Waiting, Watch, actor::Actor, house::House,
};

/// A cancellation that cannot be committed by then (a full disk) is answered as asked for.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// Submits, calls, cancels and asks. Cheap to clone.
#[derive(Clone)]
pub struct Dispatch {
    pub(crate) house: Arc<House>,
}

impl Dispatch {
    pub(crate) fn new(house: Arc<House>) -> Self {
        Self { house }
    }

    pub fn apps(&self) -> Vec<AppId> {
        self.house.apps.read().keys().cloned().collect()
    }

    pub fn knows(&self, app: &AppId) -> bool {
        self.house.apps.read().contains_key(app)
    }

    /// Requests that wait on an app.
    pub fn waiting(&self, app: &AppId) -> Option<usize> {
        self.house.app(app).map(|actor| actor.ask(App::waiting))
    }

    /// Accepts a request: when this returns `Ok`, it is on stable storage.
    pub async fn submit(
        &self,
        mut request: NewRequest,
        max_queue_length: Option<u32>,
    ) -> Result<Submitted, SubmitError> {
        let Some(actor) = self.house.app(&request.app) else {
            return Err(SubmitError::UnknownApp { app: request.app });
        };
        if self.house.stopping.load(Ordering::SeqCst) {
            return Err(SubmitError::Stopping);
        }
        let deadline = request.start_deadline.or_else(|| actor.start_deadline(&request.account, request.submitted_at));
        request.start_deadline = deadline;
        let waiting = count(actor.ask(App::waiting));
        if let Some(limit) = max_queue_length.filter(|limit| waiting > *limit) {
            // A repeat asks for no place in the queue.
            let Some(id) = self.house.parts.store.earlier_use(&request).await? else {
                return Err(SubmitError::QueueFull { waiting, limit });
            };
            return Ok(submitted(&actor, id, false));
        }
        // As a task of its own: a caller who leaves between the commit and the queue must not leave a request behind
        // of which nobody knows.
        let (answer, answered) = oneshot::channel();
        let accepting = accept(actor, request, answer);
        self.house.spawn(accepting);
        answered.await.unwrap_or(Err(SubmitError::Stopping))
    }

    pub async fn status(&self, id: RequestId) -> Result<Option<Status>, StoreError> {
        if let Some((record, position, why)) = self.house.actor_of(id).and_then(|actor| actor.standing(id)) {
            let waiting = why.map(|why| {
                let since = self.house.steady.to_day(why.since);
                Waiting { cause: why.cause, since, detail: why.detail, next: why.next }
            });
            // A request whose start is being written down is next in line to the one who asks.
            let waits = record.state == RequestState::Waiting;
            let queue_position = waits.then(|| count(position.unwrap_or(0)));
            return Ok(Some(status(record, queue_position, waiting)));
        }
        let found = self.house.parts.store.request(id).await?;
        Ok(found.map(|record| {
            let queue_position = (record.state == RequestState::Waiting).then_some(0);
            status(record, queue_position, None)
        }))
    }

    pub fn watch(&self, id: RequestId) -> Watch {
        self.house.watchers.watch(id)
    }

    pub async fn cancel(&self, id: RequestId) -> Result<CancelAnswer, StoreError> {
        if let Some(actor) = self.house.actor_of(id) {
            match timeout(CANCEL_PATIENCE, actor.cancel(id)).await {
                Err(_) => return Ok(CancelAnswer::Requested),
                Ok(Ok(answer)) if answer != CancelAnswer::NotFound => return Ok(answer),
                // It ended in this moment: the store knows how.
                Ok(_) => {}
            }
        }
        match self.house.parts.store.request(id).await? {
            None => Ok(CancelAnswer::NotFound),
            Some(RequestRecord { direct: false, state: RequestState::Waiting, .. }) => {
                self.cancel_orphan(id, None).await
            }
            Some(RequestRecord { direct: false, state: RequestState::Running, attempts, .. }) => {
                self.cancel_orphan(id, Some(Attempt(attempts))).await
            }
            Some(_) => Ok(CancelAnswer::AlreadyCompleted),
        }
    }

    /// Waits for a slot; dropping the future gives up the place in the queue. `Err(RequestTimeout)` means that the
    /// start deadline of the call passed.
    pub async fn acquire(&self, mut call: Call) -> Result<Lease, Failure> {
        let Some(actor) = self.house.app(&call.app) else {
            return Err(Failure::new(ErrorType::BadRequest, format!("no app `{}` runs here", call.app)));
        };
        let deadline = call.start_deadline.or_else(|| actor.start_deadline(&call.account, self.house.day()));
        call.start_deadline = deadline;
        let mut place = Place { actor: Some(&actor), id: call.id };
        let answer = actor.call(call).await;
        place.actor = None;
        answer.unwrap_or_else(|_| Err(Failure::new(ErrorType::InternalError, "the call was lost; try again")))
    }

    /// Log lines after the cursor `after` (0: from the first), those not yet written included.
    pub async fn logs(&self, id: RequestId, after: i64, limit: u32) -> Result<Vec<StoredLog>, StoreError> {
        if self.house.logs.any(|(request, _)| *request == id) {
            self.house.flush_logs().await?;
        }
        self.house.parts.store.logs(id, after, limit).await
    }

    pub fn runners(&self) -> Vec<RunnerView> {
        self.house.actors().iter().flat_map(|actor| actor.views()).collect()
    }
}

/// A place in the queue of direct calls; left behind when the caller goes.
struct Place<'a> {
    actor: Option<&'a Arc<Actor>>,
    id: RequestId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(actor) = self.actor {
            actor.tell(Event::CallerGone { id: self.id });
        }
    }
}

async fn accept(actor: Arc<Actor>, request: NewRequest, answer: oneshot::Sender<Result<Submitted, SubmitError>>) {
    let id = request.id;
    let submitted = match actor.house.parts.store.enqueue(request.clone()).await {
        Ok(Enqueued::New) => {
            actor.admit(request);
            Ok(submitted(&actor, id, true))
        }
        Ok(Enqueued::Existing(id)) => Ok(submitted(&actor, id, false)),
        Err(error) => Err(error.into()),
    };
    // A caller who left finds the request by its idempotency key, or by its list.
    let _ = answer.send(submitted);
}

fn submitted(actor: &Actor, id: RequestId, new: bool) -> Submitted {
    Submitted { id, queue_position: count(actor.ask(|app| app.position(id)).unwrap_or(0)), new }
}

fn status(record: RequestRecord, queue_position: Option<u32>, waiting: Option<Waiting>) -> Status {
    // A retried request waits again, with one attempt more behind it.
    let rank = match record.state {
        RequestState::Running => 1,
        RequestState::Waiting => 2,
        RequestState::Done(_) => 3,
    };
    let version = u64::from(record.attempts) * 4 + rank;
    Status { record, queue_position, waiting, version }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
