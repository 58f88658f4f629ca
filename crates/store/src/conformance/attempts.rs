//! Attempts begin and come to nothing; fences hold.

use std::sync::Arc;

use tintype_domain::Attempt;

use super::sample::{at, attempt_id, begin, enqueue, finish, id, request, runner};
use crate::{RequestState, Store};

pub async fn only_the_next_attempt_begins_and_only_once(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    assert!(!begin(&**store, 1, 0, 2).await);
    assert!(!begin(&**store, 1, 2, 2).await);
    assert!(begin(&**store, 1, 1, 2).await);
    assert!(!begin(&**store, 1, 1, 3).await);
    assert!(!begin(&**store, 1, 2, 3).await);

    let record = store.request(id(1)).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts), (RequestState::Running, 1));
    assert_eq!((record.started_at, record.runner), (Some(at(2)), Some(runner())));
    assert_eq!(record.gateway_request_id, attempt_id(1, 1));
}

pub async fn a_requeued_request_waits_again_and_counts_crashes(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    for (attempt, crashed) in [(1, true), (2, false), (3, true)] {
        assert!(begin(&**store, 1, attempt, 2).await);
        assert!(store.requeue(id(1), Attempt(attempt), crashed, at(3)).await.unwrap());
    }
    let pending = store.pending().await.unwrap().remove(0);
    assert_eq!((pending.attempts, pending.crashes, pending.running), (3, 2, false));
    let record = store.request(id(1)).await.unwrap().unwrap();
    assert_eq!((record.state, record.runner, record.started_at), (RequestState::Waiting, None, None));
    assert_eq!(record.gateway_request_id, attempt_id(1, 3));
    assert!(begin(&**store, 1, 4, 4).await);
}

pub async fn a_superseded_attempt_changes_nothing(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    // Nothing runs yet, so nothing can be reported.
    assert!(!store.requeue(id(1), Attempt(1), true, at(2)).await.unwrap());
    assert!(!store.finish(id(1), Some(Attempt(1)), finish(1, 2)).await.unwrap());

    assert!(begin(&**store, 1, 1, 2).await);
    assert!(store.requeue(id(1), Attempt(1), false, at(3)).await.unwrap());
    assert!(begin(&**store, 1, 2, 4).await);
    for late in [Some(Attempt(1)), Some(Attempt(3)), None] {
        assert!(!store.finish(id(1), late, finish(1, 5)).await.unwrap(), "{late:?}");
    }
    assert!(!store.requeue(id(1), Attempt(1), true, at(5)).await.unwrap());
    assert_eq!(store.result(id(1)).await.unwrap(), None);
    assert_eq!(store.pending().await.unwrap()[0].crashes, 0);

    assert!(store.finish(id(1), Some(Attempt(2)), finish(2, 6)).await.unwrap());
    assert_eq!(store.result(id(1)).await.unwrap().unwrap(), super::sample::response(2));
    assert_eq!(store.events(None, 0, 10).await.unwrap().len(), 5);
}

pub async fn unknown_requests_are_told_apart_from_changes(store: &Arc<dyn Store>) {
    assert!(!begin(&**store, 1, 1, 2).await);
    assert!(!store.requeue(id(1), Attempt(1), true, at(2)).await.unwrap());
    assert!(!store.finish(id(1), None, finish(1, 2)).await.unwrap());
    assert!(store.request(id(1)).await.unwrap().is_none());
    assert!(store.payload(id(1)).await.unwrap().is_none());
    assert_eq!(store.result(id(1)).await.unwrap(), None);
    store.forget_payloads(id(1)).await.unwrap();
    assert!(store.events(None, 0, 10).await.unwrap().is_empty());
}

pub async fn pending_is_in_order_of_arrival_without_what_has_ended(store: &Arc<dyn Store>) {
    // Ids made within one millisecond, or on a clock that stepped back, need not be in order.
    for n in [3, 1, 2, 4] {
        enqueue(&**store, request(n)).await;
    }
    assert!(begin(&**store, 2, 1, 5).await);
    assert!(store.finish(id(1), None, finish(1, 5)).await.unwrap());
    let pending = store.pending().await.unwrap();
    let order: Vec<_> = pending.iter().map(|pending| (pending.id, pending.running)).collect();
    assert_eq!(order, [(id(3), false), (id(2), true), (id(4), false)]);
}
