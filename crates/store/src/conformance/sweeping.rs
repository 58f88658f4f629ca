//! What goes when its time has passed.

use std::{sync::Arc, time::Duration};

use tintype_domain::{RequestId, Timestamp};

use super::sample::{DAY, at, direct, enqueue, finish, id, idempotency, line, request, run_through};
use crate::{DIRECT_RETENTION, EVENT_RETENTION, Enqueued, NewRequest, Store};

const ALL: u32 = 100;

/// When the result of [`run_through`] expires.
fn expiry() -> Timestamp {
    at(10).plus(DAY)
}

pub async fn results_go_when_their_time_has_passed(store: &Arc<dyn Store>) {
    run_through(&**store, request(1), 1).await;
    enqueue(&**store, request(2)).await;
    store.append_logs(vec![(id(1), line(2, "a")), (id(2), line(2, "b"))]).await.unwrap();

    assert_eq!(store.sweep(expiry().minus(Duration::from_micros(1)), ALL).await.unwrap(), 0);
    assert!(store.result(id(1)).await.unwrap().is_some());
    assert_eq!(store.sweep(expiry(), ALL).await.unwrap(), 1);
    assert!(store.request(id(1)).await.unwrap().is_none());
    assert!(store.result(id(1)).await.unwrap().is_none());
    assert!(store.payload(id(1)).await.unwrap().is_none());
    assert!(store.logs(id(1), 0, 10).await.unwrap().is_empty());

    // What has not ended never goes, however old it is.
    assert_eq!(store.sweep(expiry().plus(DAY * 400), ALL).await.unwrap(), 0);
    assert!(store.payload(id(2)).await.unwrap().is_some());
    assert_eq!(store.logs(id(2), 0, 10).await.unwrap().len(), 1);
}

pub async fn a_request_outlives_its_result_while_its_key_lives(store: &Arc<dyn Store>) {
    let with_key = |n| NewRequest { idempotency: idempotency("once", 1, at(1).plus(DAY * 3)), ..request(n) };
    run_through(&**store, with_key(1), 1).await;
    assert_eq!(store.sweep(expiry(), ALL).await.unwrap(), 1);
    assert_eq!(store.sweep(expiry(), ALL).await.unwrap(), 0);
    assert!(store.result(id(1)).await.unwrap().is_none());
    assert!(store.request(id(1)).await.unwrap().is_some());
    assert_eq!(store.enqueue(with_key(2)).await.unwrap(), Enqueued::Existing(id(1)));

    assert_eq!(store.sweep(at(1).plus(DAY * 3), ALL).await.unwrap(), 1);
    assert!(store.request(id(1)).await.unwrap().is_none());
    assert_eq!(store.enqueue(with_key(3)).await.unwrap(), Enqueued::New);
}

pub async fn a_request_is_kept_while_its_webhook_is_under_way(store: &Arc<dyn Store>) {
    run_through(&**store, NewRequest { webhook: Some("http://hook.test".into()), ..request(1) }, 1).await;
    assert_eq!(store.sweep(expiry(), ALL).await.unwrap(), 1);
    assert_eq!(store.sweep(expiry(), ALL).await.unwrap(), 0);
    assert_eq!(store.due_deliveries(expiry(), &[], 10).await.unwrap().len(), 1);
    store.delivery_tried(id(1), None, Some("gave up".into())).await.unwrap();
    assert_eq!(store.sweep(expiry().plus(DAY), ALL).await.unwrap(), 1);
    assert!(store.request(id(1)).await.unwrap().is_none());
}

pub async fn a_sweep_does_no_more_than_it_was_told(store: &Arc<dyn Store>) {
    for n in 1..=5 {
        run_through(&**store, request(n), n).await;
    }
    assert_eq!(store.sweep(expiry(), 0).await.unwrap(), 0);
    let mut swept = Vec::new();
    for _ in 0..4 {
        swept.push(store.sweep(expiry(), 2).await.unwrap());
    }
    assert_eq!(swept, [2, 2, 1, 0]);
}

pub async fn old_events_go_and_cursors_never_come_again(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    assert!(store.finish(id(1), None, finish(1, 20)).await.unwrap());
    let newest = store.events(None, 0, 10).await.unwrap().pop().unwrap().cursor;

    store.sweep(at(1).plus(EVENT_RETENTION), ALL).await.unwrap();
    let left: Vec<_> = store.events(None, 0, 10).await.unwrap().iter().map(|event| event.cursor).collect();
    assert_eq!(left, [newest]);
    store.sweep(at(99).plus(EVENT_RETENTION), ALL).await.unwrap();
    enqueue(&**store, request(2)).await;
    assert!(store.events(None, newest, 10).await.unwrap()[0].cursor > newest);
}

pub async fn stray_log_lines_go_in_the_end(store: &Arc<dyn Store>) {
    // The server ended between the lines of a direct call and its record.
    store.record_direct(vec![direct(2)]).await.unwrap();
    let (stray, recorded) = (id(1), id(2));
    store.append_logs(vec![(stray, line(1, "a")), (recorded, line(2, "b"))]).await.unwrap();
    let lines = async |id: RequestId| store.logs(id, 0, 10).await.unwrap().len();

    store.sweep(at(1).plus(DIRECT_RETENTION), ALL).await.unwrap();
    assert_eq!((lines(stray).await, lines(recorded).await), (1, 1));
    store.sweep(at(2).plus(DIRECT_RETENTION), ALL).await.unwrap();
    assert_eq!((lines(stray).await, lines(recorded).await), (0, 1));
    assert_eq!(store.sweep(at(3).plus(DIRECT_RETENTION), ALL).await.unwrap(), 1);
    assert_eq!(lines(recorded).await, 0);
}
