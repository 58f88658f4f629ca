//! Requests end.

use std::sync::Arc;

use tintype_domain::{Attempt, ErrorType, Outcome};

use super::sample::{DAY, at, begin, direct, enqueue, finish, id, request, response, run_through, runner};
use crate::{EventKind, Finish, NewRequest, RequestState, Store};

pub async fn the_end_is_written_once_with_result_and_record(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    assert!(begin(&**store, 1, 1, 2).await);
    let failed = Finish {
        outcome: Outcome::Failed,
        error: Some("the runner went away".into()),
        error_type: Some(ErrorType::RunnerDisconnected),
        ..finish(1, 7)
    };
    assert!(store.finish(id(1), Some(Attempt(1)), failed).await.unwrap());
    assert!(!store.finish(id(1), Some(Attempt(1)), finish(2, 8)).await.unwrap());
    assert!(!store.finish(id(1), None, finish(2, 8)).await.unwrap());
    assert!(!begin(&**store, 1, 2, 8).await);
    assert!(!store.requeue(id(1), Attempt(1), true, at(8)).await.unwrap());

    let record = store.request(id(1)).await.unwrap().unwrap();
    assert_eq!((record.state, record.status_code), (RequestState::Done(Outcome::Failed), Some(200)));
    assert_eq!((record.started_at, record.finished_at), (Some(at(2)), Some(at(7))));
    assert_eq!((record.runner, record.expires_at), (Some(runner()), Some(at(7).plus(DAY))));
    assert_eq!(record.error.as_deref(), Some("the runner went away"));
    assert_eq!(record.error_type, Some(ErrorType::RunnerDisconnected));
    assert_eq!(store.result(id(1)).await.unwrap(), Some(response(1)));
    assert!(store.payload(id(1)).await.unwrap().is_some());
    assert!(store.pending().await.unwrap().is_empty());
}

pub async fn a_waiting_request_ends_without_an_attempt(store: &Arc<dyn Store>) {
    for (n, outcome) in [(1, Outcome::Cancelled), (2, Outcome::Expired)] {
        enqueue(&**store, request(n)).await;
        assert!(store.finish(id(n), None, Finish { outcome, ..finish(n, 4) }).await.unwrap());
        let record = store.request(id(n)).await.unwrap().unwrap();
        assert_eq!((record.state, record.attempts), (RequestState::Done(outcome), 0));
        assert_eq!((record.started_at, record.runner), (None, None));
    }
    let last = store.events(None, 0, 10).await.unwrap().pop().unwrap();
    assert_eq!((last.kind, last.attempt, last.outcome), (EventKind::Finished, None, Some(Outcome::Expired)));
}

pub async fn payloads_that_are_not_kept_go_when_read(store: &Arc<dyn Store>) {
    run_through(&**store, NewRequest { keep_payloads: false, ..request(1) }, 1).await;
    assert!(store.payload(id(1)).await.unwrap().is_none());
    assert_eq!(store.result(id(1)).await.unwrap(), Some(response(1)));
    store.forget_payloads(id(1)).await.unwrap();
    store.forget_payloads(id(1)).await.unwrap();
    assert_eq!(store.result(id(1)).await.unwrap(), None);
    let record = store.request(id(1)).await.unwrap().unwrap();
    assert_eq!(record.state, RequestState::Done(Outcome::Succeeded));
}

pub async fn payloads_that_are_kept_are_not_forgotten(store: &Arc<dyn Store>) {
    run_through(&**store, request(1), 1).await;
    enqueue(&**store, NewRequest { keep_payloads: false, ..request(2) }).await;
    for n in [1, 2] {
        store.forget_payloads(id(n)).await.unwrap();
    }
    assert_eq!(store.result(id(1)).await.unwrap(), Some(response(1)));
    assert!(store.payload(id(1)).await.unwrap().is_some());
    assert!(store.payload(id(2)).await.unwrap().is_some(), "it has not run yet");
}

pub async fn direct_calls_are_recorded_once(store: &Arc<dyn Store>) {
    enqueue(&**store, request(3)).await;
    store.record_direct(vec![direct(1), direct(2)]).await.unwrap();
    store.record_direct(vec![direct(2), direct(3)]).await.unwrap();
    let record = store.request(id(1)).await.unwrap().unwrap();
    assert_eq!((record.direct, record.state), (true, RequestState::Done(Outcome::Succeeded)));
    assert!(record.keep_payloads, "there is nothing to forget");
    assert_eq!((record.started_at, record.finished_at), (Some(at(1)), Some(at(2))));
    assert_eq!((record.runner, record.status_code, record.expires_at), (Some(runner()), Some(200), None));
    assert_eq!(store.result(id(1)).await.unwrap(), None);

    // A queued request is never taken for a direct call.
    assert!(!store.request(id(3)).await.unwrap().unwrap().direct);
    let told: Vec<_> = store.events(None, 0, 10).await.unwrap();
    assert_eq!(told.iter().filter(|event| event.kind == EventKind::Finished).count(), 2);
}
