//! Lists.

use std::sync::Arc;

use super::sample::{account, app, direct, enqueue, id, request, run_through};
use crate::{NewRequest, RequestFilter, Store};

const ALL: u32 = 100;

async fn listed(store: &Arc<dyn Store>, filter: RequestFilter) -> Vec<tintype_domain::RequestId> {
    store.requests(filter).await.unwrap().into_iter().map(|record| record.id).collect()
}

pub async fn lists_are_newest_first_and_filtered(store: &Arc<dyn Store>) {
    run_through(&**store, request(1), 1).await;
    enqueue(&**store, NewRequest { account: account("bob"), ..request(2) }).await;
    store.record_direct(vec![direct(3)]).await.unwrap();
    enqueue(&**store, NewRequest { app: app("acme/paint"), ..request(4) }).await;

    let every = RequestFilter { limit: ALL, ..RequestFilter::default() };
    let ann = RequestFilter { account: Some(account("ann")), ..every.clone() };
    assert_eq!(listed(store, every.clone()).await, [id(4), id(3), id(2), id(1)]);
    assert_eq!(listed(store, ann.clone()).await, [id(4), id(3), id(1)]);
    assert_eq!(listed(store, RequestFilter { app: Some(app("acme/draw")), ..ann.clone() }).await, [id(3), id(1)]);
    assert_eq!(listed(store, RequestFilter { open: true, ..every.clone() }).await, [id(4), id(2)]);
    assert_eq!(listed(store, RequestFilter { open: true, ..ann }).await, [id(4)]);
    assert_eq!(listed(store, RequestFilter { app: Some(app("acme/none")), ..every.clone() }).await, []);
    assert_eq!(listed(store, RequestFilter { limit: 0, ..every }).await, []);
}

pub async fn lists_page_backwards(store: &Arc<dyn Store>) {
    // Open and ended ones alternate, so that a page has to draw on both.
    for n in 1..=7 {
        if n % 2 == 0 {
            enqueue(&**store, request(n)).await;
        } else {
            run_through(&**store, request(n), n).await;
        }
    }
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = listed(store, RequestFilter { before, limit: 3, ..RequestFilter::default() }).await;
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        before = Some(*last);
        seen.extend(page);
    }
    assert_eq!(seen, (1..=7).rev().map(id).collect::<Vec<_>>());
}

pub async fn apps_with_requests_are_named_once(store: &Arc<dyn Store>) {
    assert!(store.apps().await.unwrap().is_empty());
    for (n, name) in ["acme/draw", "acme/zoom", "acme/draw", "acme/ask"].into_iter().enumerate() {
        enqueue(&**store, NewRequest { app: app(name), ..request(n as u8) }).await;
    }
    run_through(&**store, NewRequest { app: app("acme/many"), ..request(10) }, 10).await;
    run_through(&**store, NewRequest { app: app("acme/draw"), ..request(11) }, 11).await;
    let apps: Vec<_> = store.apps().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(apps, ["acme/ask", "acme/draw", "acme/many", "acme/zoom"]);
}
