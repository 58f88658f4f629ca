//! Requests are accepted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tintype_domain::{Priority, RetryBudget};

use super::sample::{DAY, at, begin, enqueue, finish, id, idempotency, request, run_through};
use crate::{EnqueueError, Enqueued, NewRequest, RequestState, Store, StoreError};

pub async fn an_accepted_request_is_known_with_all_that_was_said(store: &Arc<dyn Store>) {
    let said = NewRequest {
        priority: Priority::Low,
        start_deadline: Some(at(60)),
        hint: Some("runner-7".into()),
        retry: RetryBudget { never: false, server_error: Some(2), timeout: None, connection_error: Some(0) },
        ..request(1)
    };
    enqueue(&**store, said.clone()).await;

    let record = store.request(id(1)).await.unwrap().unwrap();
    assert_eq!(record.state, RequestState::Waiting);
    assert_eq!((record.account, record.app, record.path), (said.account, said.app, said.path.clone()));
    assert_eq!((record.priority, record.attempts, record.direct), (Priority::Low, 0, false));
    assert_eq!((record.gateway_request_id, record.submitted_at), (id(1), at(1)));
    assert_eq!((record.started_at, record.finished_at, record.expires_at), (None, None, None));

    let payload = store.payload(id(1)).await.unwrap().unwrap();
    assert_eq!((payload.method, payload.path), (said.method, said.path));
    assert_eq!((payload.headers, payload.body), (said.headers, said.body));

    let pending = store.pending().await.unwrap().remove(0);
    assert_eq!((pending.start_deadline, pending.hint), (said.start_deadline, said.hint));
    assert_eq!((pending.retry, pending.running, pending.crashes), (said.retry, false, 0));
    assert_eq!(store.result(id(1)).await.unwrap(), None);
}

pub async fn odd_text_and_bytes_come_back_as_they_were(store: &Arc<dyn Store>) {
    let odd = "'; DROP TABLE open_requests; -- \u{0} \u{1f5bc} \"\\ \u{202e}";
    let said = NewRequest {
        path: format!("/{odd}"),
        headers: vec![(odd.into(), odd.into()), (String::new(), String::new()), (odd.into(), "again".into())],
        body: Bytes::from((0..=255).cycle().take(3_000_000).collect::<Vec<u8>>()),
        hint: Some(odd.into()),
        ..request(1)
    };
    enqueue(&**store, said.clone()).await;
    let payload = store.payload(id(1)).await.unwrap().unwrap();
    assert_eq!((payload.path, payload.headers), (said.path, said.headers));
    assert!(payload.body == said.body);
    assert_eq!(store.pending().await.unwrap()[0].hint.as_deref(), Some(odd));
}

pub async fn an_id_is_taken_once_and_for_all(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    let taken = |answer| matches!(answer, Err(EnqueueError::Store(StoreError::Exists { kind: "request" })));
    assert!(taken(store.enqueue(NewRequest { body: Bytes::from_static(b"other"), ..request(1) }).await));
    assert!(begin(&**store, 1, 1, 2).await);
    assert!(store.finish(id(1), Some(tintype_domain::Attempt(1)), finish(1, 3)).await.unwrap());
    assert!(taken(store.enqueue(request(1)).await));

    assert_eq!(store.payload(id(1)).await.unwrap().unwrap().body, request(1).body);
    assert_eq!(store.events(None, 0, 10).await.unwrap().len(), 3);
}

pub async fn the_same_idempotency_key_names_the_same_request(store: &Arc<dyn Store>) {
    let with_key = |n| NewRequest { idempotency: idempotency("once", 1, at(0).plus(DAY)), ..request(n) };
    enqueue(&**store, with_key(1)).await;
    assert_eq!(store.enqueue(with_key(2)).await.unwrap(), Enqueued::Existing(id(1)));
    assert!(store.request(id(2)).await.unwrap().is_none());
    assert!(store.payload(id(2)).await.unwrap().is_none());
    assert_eq!(store.events(None, 0, 10).await.unwrap().len(), 1);

    assert_eq!(store.earlier_use(&with_key(2)).await.unwrap(), Some(id(1)));
    assert_eq!(store.earlier_use(&request(2)).await.unwrap(), None);

    // The end of the request does not free the key.
    assert!(store.finish(id(1), None, finish(1, 3)).await.unwrap());
    assert_eq!(store.enqueue(with_key(3)).await.unwrap(), Enqueued::Existing(id(1)));
}

pub async fn a_reused_key_with_other_content_is_refused(store: &Arc<dyn Store>) {
    let with_key = |n, content| NewRequest { idempotency: idempotency("once", content, at(99)), ..request(n) };
    enqueue(&**store, with_key(1, 1)).await;
    let answer = store.enqueue(with_key(2, 2)).await;
    assert!(matches!(answer, Err(EnqueueError::KeyReused { existing }) if existing == id(1)), "{answer:?}");
    let answer = store.earlier_use(&with_key(2, 2)).await;
    assert!(matches!(answer, Err(EnqueueError::KeyReused { existing }) if existing == id(1)), "{answer:?}");
    assert!(store.request(id(2)).await.unwrap().is_none());
}

pub async fn idempotency_keys_of_two_accounts_are_apart(store: &Arc<dyn Store>) {
    let with_key = |n| NewRequest { idempotency: idempotency("once", n, at(99)), ..request(n) };
    enqueue(&**store, with_key(1)).await;
    enqueue(&**store, NewRequest { account: super::sample::account("bob"), ..with_key(2) }).await;
    assert_eq!(store.pending().await.unwrap().len(), 2);
}

pub async fn an_expired_idempotency_key_is_free_again(store: &Arc<dyn Store>) {
    let expires_at = at(1).plus(DAY);
    run_through(&**store, NewRequest { idempotency: idempotency("once", 1, expires_at), ..request(1) }, 1).await;

    let before = expires_at.minus(Duration::from_micros(1));
    let repeat = |n, submitted_at| NewRequest {
        idempotency: idempotency("once", 2, at(2).plus(DAY * 2)),
        submitted_at,
        ..request(n)
    };
    assert!(matches!(store.enqueue(repeat(2, before)).await, Err(EnqueueError::KeyReused { .. })));
    assert_eq!(store.enqueue(repeat(3, expires_at)).await.unwrap(), Enqueued::New);
    assert_eq!(store.enqueue(repeat(4, expires_at)).await.unwrap(), Enqueued::Existing(id(3)));
}
