//! The feed and the logs.

use std::sync::Arc;

use tintype_domain::{Attempt, Outcome};

use super::sample::{account, at, begin, enqueue, finish, id, line, request, run_through};
use crate::{EventKind, NewRequest, Store};

pub async fn the_feed_tells_everything_once_in_order(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    assert!(begin(&**store, 1, 1, 2).await);
    assert!(store.requeue(id(1), Attempt(1), true, at(3)).await.unwrap());
    assert!(begin(&**store, 1, 2, 4).await);
    assert!(store.finish(id(1), Some(Attempt(2)), finish(1, 5)).await.unwrap());

    let feed = store.events(None, 0, 10).await.unwrap();
    let told: Vec<_> = feed.iter().map(|event| (event.kind, event.attempt, event.at)).collect();
    let expected = [
        (EventKind::Submitted, None, at(1)),
        (EventKind::Started, Some(Attempt(1)), at(2)),
        (EventKind::Requeued, Some(Attempt(1)), at(3)),
        (EventKind::Started, Some(Attempt(2)), at(4)),
        (EventKind::Finished, Some(Attempt(2)), at(5)),
    ];
    assert_eq!(told, expected);
    assert!(feed.is_sorted_by(|a, b| a.cursor < b.cursor));
    assert!(feed.iter().all(|event| event.request == id(1) && event.account == account("ann")));
    let outcomes: Vec<_> = feed.iter().map(|event| event.outcome).collect();
    assert_eq!(outcomes, [None, None, None, None, Some(Outcome::Succeeded)]);
}

pub async fn the_feed_of_an_account_holds_only_its_own(store: &Arc<dyn Store>) {
    enqueue(&**store, request(1)).await;
    enqueue(&**store, NewRequest { account: account("bob"), ..request(2) }).await;
    enqueue(&**store, request(3)).await;
    let of = async |name| {
        let feed = store.events(Some(account(name)), 0, 10).await.unwrap();
        feed.iter().map(|event| event.request).collect::<Vec<_>>()
    };
    assert_eq!(of("ann").await, [id(1), id(3)]);
    assert_eq!(of("bob").await, [id(2)]);
    assert_eq!(of("eve").await, []);
}

pub async fn the_feed_resumes_after_a_cursor(store: &Arc<dyn Store>) {
    for n in 1..=5 {
        enqueue(&**store, request(n)).await;
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = store.events(None, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.cursor;
        seen.extend(page.iter().map(|event| event.request));
    }
    assert_eq!(seen, [id(1), id(2), id(3), id(4), id(5)]);
    assert!(store.events(None, i64::MAX, 2).await.unwrap().is_empty());
    assert!(store.events(None, 0, 0).await.unwrap().is_empty());
}

pub async fn log_lines_are_numbered_within_their_request(store: &Arc<dyn Store>) {
    run_through(&**store, request(1), 1).await;
    store.append_logs(vec![(id(1), line(2, "a")), (id(2), line(2, "x")), (id(1), line(2, "b"))]).await.unwrap();
    store.append_logs(vec![(id(1), line(1, "c"))]).await.unwrap();
    store.append_logs(Vec::new()).await.unwrap();

    let lines = store.logs(id(1), 0, 10).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.cursor, line.entry.message.as_str())).collect();
    assert_eq!(told, [(1, "a"), (2, "b"), (3, "c")]);
    assert_eq!(lines[2].entry, line(1, "c"));
    assert_eq!(store.logs(id(1), 1, 1).await.unwrap()[0].cursor, 2);
    assert_eq!(store.logs(id(2), 0, 10).await.unwrap().len(), 1);
    assert!(store.logs(id(3), 0, 10).await.unwrap().is_empty());
}
