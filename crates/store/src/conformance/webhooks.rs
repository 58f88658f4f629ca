//! Webhooks.

use std::{sync::Arc, time::Duration};

use tintype_domain::Attempt;

use super::sample::{account, at, attempt_id, begin, enqueue, finish, id, request, response, run_through};
use crate::{DELIVERY_LIFE, NewRequest, Store};

fn with_webhook(n: u8) -> NewRequest {
    NewRequest { webhook: Some(format!("http://hook.test/{n}")), ..request(n) }
}

pub async fn a_webhook_is_due_until_it_is_delivered(store: &Arc<dyn Store>) {
    enqueue(&**store, with_webhook(1)).await;
    run_through(&**store, request(2), 2).await;
    assert!(store.due_deliveries(at(999), &[], 10).await.unwrap().is_empty());
    assert!(begin(&**store, 1, 1, 5).await);
    assert!(store.finish(id(1), Some(Attempt(1)), finish(1, 10)).await.unwrap());

    assert!(store.due_deliveries(at(10).minus(Duration::from_micros(1)), &[], 10).await.unwrap().is_empty());
    let due = store.due_deliveries(at(10), &[], 10).await.unwrap();
    assert_eq!(due.len(), 1);
    let delivery = &due[0];
    assert_eq!((delivery.request, delivery.gateway_request_id), (id(1), attempt_id(1, 1)));
    assert_eq!((&*delivery.url, delivery.tries), ("http://hook.test/1", 0));
    assert_eq!((delivery.give_up_at, &delivery.response), (at(10).plus(DELIVERY_LIFE), &response(1)));
    assert_eq!((&delivery.account, delivery.record.id), (&account("ann"), id(1)));

    store.delivery_tried(id(1), None, None).await.unwrap();
    assert!(store.due_deliveries(at(999), &[], 10).await.unwrap().is_empty());
    assert_eq!(store.result(id(1)).await.unwrap(), Some(response(1)));
}

pub async fn a_webhook_is_tried_again_when_told(store: &Arc<dyn Store>) {
    for n in [1, 2, 3] {
        run_through(&**store, with_webhook(n), n).await;
    }
    store.delivery_tried(id(1), Some(at(60)), Some("connection refused".into())).await.unwrap();
    store.delivery_tried(id(2), Some(at(30)), Some("status 500".into())).await.unwrap();
    store.delivery_tried(id(9), Some(at(30)), None).await.unwrap();
    let due = async |secs, limit| {
        let due = store.due_deliveries(at(secs), &[], limit).await.unwrap();
        due.iter().map(|delivery| (delivery.request, delivery.tries)).collect::<Vec<_>>()
    };
    assert_eq!(due(29, 10).await, [(id(3), 0)]);
    assert_eq!(due(60, 10).await, [(id(3), 0), (id(2), 1), (id(1), 1)]);
    assert_eq!(due(60, 2).await, [(id(3), 0), (id(2), 1)]);
}

pub async fn a_webhook_keeps_the_result_that_its_reader_forgot(store: &Arc<dyn Store>) {
    run_through(&**store, NewRequest { keep_payloads: false, ..with_webhook(1) }, 1).await;
    store.forget_payloads(id(1)).await.unwrap();
    assert_eq!(store.result(id(1)).await.unwrap(), None);
    assert_eq!(store.due_deliveries(at(10), &[], 10).await.unwrap()[0].response, response(1));

    store.delivery_tried(id(1), Some(at(20)), None).await.unwrap();
    assert_eq!(store.due_deliveries(at(20), &[], 10).await.unwrap()[0].response, response(1));
    store.delivery_tried(id(1), None, None).await.unwrap();
    assert!(store.due_deliveries(at(999), &[], 10).await.unwrap().is_empty());
    assert_eq!(store.result(id(1)).await.unwrap(), None);
}

pub async fn what_the_caller_has_at_hand_is_not_due_again(store: &Arc<dyn Store>) {
    for n in 1..=3 {
        run_through(&**store, with_webhook(n), n).await;
    }
    let due = store.due_deliveries(at(10), &[id(1), id(3), id(9)], 10).await.unwrap();
    assert_eq!(due.iter().map(|delivery| delivery.request).collect::<Vec<_>>(), [id(2)]);
    assert_eq!(store.due_deliveries(at(10), &[id(1)], 1).await.unwrap()[0].request, id(2));
}

pub async fn the_next_webhook_is_foretold(store: &Arc<dyn Store>) {
    assert_eq!(store.next_delivery(at(0)).await.unwrap(), None);
    for n in 1..=2 {
        run_through(&**store, with_webhook(n), n).await;
    }
    store.delivery_tried(id(2), Some(at(50)), None).await.unwrap();
    assert_eq!(store.next_delivery(at(9)).await.unwrap(), Some(at(10)));
    assert_eq!(store.next_delivery(at(10)).await.unwrap(), Some(at(50)));
    assert_eq!(store.next_delivery(at(50)).await.unwrap(), None);
}

pub async fn a_new_webhook_is_told_of_after_its_commit(store: &Arc<dyn Store>) {
    let mut made = store.deliveries_made();
    run_through(&**store, request(1), 1).await;
    assert!(!made.has_changed().unwrap(), "this one has no webhook");
    run_through(&**store, with_webhook(2), 2).await;
    made.changed().await.unwrap();
    assert_eq!(store.due_deliveries(at(10), &[], 10).await.unwrap().len(), 1);
    // A repeat of the end changes nothing.
    assert!(!store.finish(id(2), None, finish(2, 11)).await.unwrap());
    assert!(!made.has_changed().unwrap());
}
