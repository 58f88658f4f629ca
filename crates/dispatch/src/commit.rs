//! Writes the machine's decisions to the store and tells it what was committed.

use std::{future::Future, sync::Arc, time::Duration};

use tintype_domain::{Attempt, RequestId, RunnerId, Timestamp, app::Event};
use tintype_store::{Finish, RequestState, StoreError};
use tracing::{error, warn};

use crate::actor::Actor;

/// Between two tries at a write that must happen.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn begin(actor: Arc<Actor>, id: RequestId, attempt: Attempt, runner: RunnerId) {
    let house = &actor.house;
    let now = house.day();
    // The first attempt has the id of the request; each retry has one of its own.
    let gateway_request_id = if attempt == Attempt(1) { id } else { house.new_id() };
    let begun = house.parts.store.begin_attempt(id, attempt, gateway_request_id, runner.clone(), now).await;
    let event = match begun {
        Ok(true) => Event::Began { id, attempt },
        Ok(false) => recheck(&actor, id, attempt).await,
        Err(error) => {
            warn!(request.id = %id, "could not write the claim of request {id}, which waits on: {error}");
            Event::BeginFailed { id, attempt }
        }
    };
    if matches!(event, Event::Began { .. }) {
        actor.amend(id, |record| {
            record.state = RequestState::Running;
            record.attempts = attempt.0;
            record.gateway_request_id = gateway_request_id;
            record.runner = Some(runner);
            record.started_at = Some(now);
        });
    }
    actor.tell(event);
    actor.house.watchers.notify(id);
}

/// The store refused a claim. After a write whose commit could not be confirmed, this may be the claim itself.
async fn recheck(actor: &Actor, id: RequestId, attempt: Attempt) -> Event {
    let found =
        actor.house.parts.store.request(id).await.map(|found| found.map(|record| (record.state, record.attempts)));
    match found {
        Ok(Some((RequestState::Running, attempts))) if attempts == attempt.0 => Event::Began { id, attempt },
        Ok(Some((RequestState::Waiting, _))) | Err(_) => Event::BeginFailed { id, attempt },
        Ok(other) => {
            error!(request.id = %id, found = ?other, "the store no longer holds request {id} as waiting: it is left alone");
            Event::BeginRefused { id, attempt }
        }
    }
}

pub(crate) async fn requeue(actor: Arc<Actor>, id: RequestId, attempt: Attempt, crashed: bool) {
    let house = &actor.house;
    let write = |now| house.parts.store.requeue(id, attempt, crashed, now);
    let requeued =
        insist(&actor, "the return of a request to the queue", write).await || waits(&actor, id, attempt).await;
    if requeued {
        actor.amend(id, |record| record.state = RequestState::Waiting);
    } else {
        error!(request.id = %id, "the store did not hold attempt {attempt} of request {id} as running");
    }
    actor.tell(if requeued { Event::Requeued { id, attempt } } else { Event::RequeueRefused { id, attempt } });
    actor.house.watchers.notify(id);
}

/// The store refused a return to the queue: was it this one, whose commit could not be confirmed before?
async fn waits(actor: &Actor, id: RequestId, attempt: Attempt) -> bool {
    let store = &actor.house.parts.store;
    insist(actor, "a doubtful return to the queue", |_| async {
        let found = store.request(id).await?;
        Ok(found.is_some_and(|record| record.state == RequestState::Waiting && record.attempts == attempt.0))
    })
    .await
}

pub(crate) async fn finish(actor: Arc<Actor>, id: RequestId, attempt: Option<Attempt>, finish: Finish) {
    let house = &actor.house;
    // Whoever sees the end must see all lines before it.
    if house.logs.any(|(request, _)| *request == id)
        && let Err(error) = house.flush_logs().await
    {
        warn!("could not write log lines, which are kept for now: {error}");
    }
    let write = |_| house.parts.store.finish(id, attempt, finish.clone());
    if !insist(&actor, "the end of a request", write).await {
        error!(request.id = %id, "the store refused the end of request {id}: it had moved on");
    }
    actor.tell(Event::Ended { id });
}

/// Tries until it is written: what was promised to a caller is in memory only, and a full disk may be emptied.
async fn insist<F>(actor: &Actor, what: &str, write: impl Fn(Timestamp) -> F) -> bool
where
    F: Future<Output = Result<bool, StoreError>>,
{
    loop {
        match write(actor.house.day()).await {
            Ok(held) => return held,
            Err(error) => warn!("could not write {what}, trying again: {error}"),
        }
        tokio::time::sleep(RETRY).await;
    }
}
