//! Many callers at once.

use std::sync::Arc;

use tintype_domain::Attempt;
use tokio::task::JoinSet;

use super::sample::{DAY, at, begin, enqueue, finish, id, idempotency, request, run_through};
use crate::{Enqueued, EventKind, NewRequest, Store};

pub async fn of_many_ends_one_is_true(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    assert!(begin(&**store, 1, 1, 2).await);
    let mut ends = JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(store);
        ends.spawn(async move { store.finish(id(1), Some(Attempt(1)), finish(n, 5)).await.unwrap() });
    }
    assert_eq!(ends.join_all().await.into_iter().filter(|ended| *ended).count(), 1);
    let feed = store.events(None, 0, 100).await.unwrap();
    assert_eq!(feed.iter().filter(|event| event.kind == EventKind::Finished).count(), 1);
}

pub async fn of_many_repeats_with_one_key_one_is_new(store: &Arc<dyn Store>) {
    let mut repeats = JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(store);
        let repeat = NewRequest { idempotency: idempotency("once", 1, at(0).plus(DAY)), ..request(n) };
        repeats.spawn(async move { store.enqueue(repeat).await.unwrap() });
    }
    let answers = repeats.join_all().await;
    let accepted = store.pending().await.unwrap();
    assert_eq!(accepted.len(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Enqueued::New).count(), 1);
    let others = |answer: &&Enqueued| **answer == Enqueued::Existing(accepted[0].id);
    assert_eq!(answers.iter().filter(others).count(), 49);
}

pub async fn many_requests_run_through_at_once(store: &Arc<dyn Store>) {
    let mut lives = JoinSet::new();
    for n in 0..200 {
        let store = Arc::clone(store);
        lives.spawn(async move {
            run_through(&*store, request(n), n).await;
            // Whoever was told of a write reads it.
            assert!(store.result(id(n)).await.unwrap().is_some());
            assert!(store.request(id(n)).await.unwrap().unwrap().finished_at.is_some());
        });
    }
    lives.join_all().await;
    assert!(store.pending().await.unwrap().is_empty());
    let feed = store.events(None, 0, 1000).await.unwrap();
    assert_eq!(feed.len(), 600);
    assert!(feed.is_sorted_by(|a, b| a.cursor < b.cursor));
}
