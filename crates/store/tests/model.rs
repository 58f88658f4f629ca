//! Random histories: SQLite answers as the store in memory does, restarts included.

use std::{fmt::Debug, path::Path, time::Duration};

use proptest::prelude::*;
use tintype_domain::{Attempt, KeyId, Outcome, RequestId, Timestamp};
use tintype_store::{
    Acl, AclDecision, Finish, MemoryStore, NewRequest, RequestFilter, SqliteStore, Store,
    conformance::sample::{
        DAY, account, app, at, attempt_id, direct, file, finish, id, idempotency, key, line, request, runner, upload,
    },
    sqlite,
};

/// One call, or a restart. Small numbers, so that calls meet each other.
#[derive(Clone, Debug)]
enum Step {
    Enqueue {
        n: u8,
        key: Option<(u8, u8)>,
        webhook: bool,
        keep: bool,
        bob: bool,
    },
    Begin {
        n: u8,
        attempt: u32,
    },
    Requeue {
        n: u8,
        attempt: u32,
        crashed: bool,
    },
    Finish {
        n: u8,
        by: Option<u32>,
        cancelled: bool,
    },
    Forget {
        n: u8,
    },
    Direct {
        n: u8,
    },
    Log {
        n: u8,
    },
    Tried {
        n: u8,
        again: bool,
    },
    Key {
        n: u8,
    },
    Revoke {
        n: u8,
    },
    File {
        n: u8,
        mortal: bool,
    },
    Acl {
        n: u8,
    },
    DeleteFile {
        n: u8,
    },
    Upload {
        n: u8,
    },
    FinishUpload {
        n: u8,
    },
    Sweep,
    /// Hours go by.
    Wait {
        hours: u8,
    },
    Restart,
}

const MANY: u32 = 1000;

fn step() -> impl Strategy<Value = Step> {
    let n = 0..5u8;
    let attempt = 1..4u32;
    let idempotency = proptest::option::of((0..2u8, 0..2u8));
    prop_oneof![
        4 => (n.clone(), idempotency, any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(n, key, webhook, keep, bob)| Step::Enqueue { n, key, webhook, keep, bob }),
        6 => (n.clone(), attempt.clone()).prop_map(|(n, attempt)| Step::Begin { n, attempt }),
        3 => (n.clone(), attempt.clone(), any::<bool>())
            .prop_map(|(n, attempt, crashed)| Step::Requeue { n, attempt, crashed }),
        5 => (n.clone(), proptest::option::of(attempt), any::<bool>())
            .prop_map(|(n, by, cancelled)| Step::Finish { n, by, cancelled }),
        2 => n.clone().prop_map(|n| Step::Forget { n }),
        1 => n.clone().prop_map(|n| Step::Direct { n }),
        2 => n.clone().prop_map(|n| Step::Log { n }),
        2 => (n.clone(), any::<bool>()).prop_map(|(n, again)| Step::Tried { n, again }),
        1 => n.clone().prop_map(|n| Step::Key { n }),
        1 => n.clone().prop_map(|n| Step::Revoke { n }),
        1 => (n.clone(), any::<bool>()).prop_map(|(n, mortal)| Step::File { n, mortal }),
        1 => n.clone().prop_map(|n| Step::Acl { n }),
        1 => n.clone().prop_map(|n| Step::DeleteFile { n }),
        1 => n.clone().prop_map(|n| Step::Upload { n }),
        1 => n.prop_map(|n| Step::FinishUpload { n }),
        2 => Just(Step::Sweep),
        2 => (1..60u8).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Restart),
    ]
}

/// What the step answers, as text: errors have no other equality.
async fn take(store: &dyn Store, step: &Step, now: Timestamp) -> String {
    match *step {
        Step::Enqueue { n, key, webhook, keep, bob } => {
            text(store.enqueue(new_request(n, key, webhook, keep, bob, now)).await)
        }
        Step::Begin { n, attempt } => {
            let gateway_request_id = attempt_id(n, attempt);
            text(store.begin_attempt(id(n), Attempt(attempt), gateway_request_id, runner(), now).await)
        }
        Step::Requeue { n, attempt, crashed } => text(store.requeue(id(n), Attempt(attempt), crashed, now).await),
        Step::Finish { n, by, cancelled } => {
            let outcome = if cancelled { Outcome::Cancelled } else { Outcome::Succeeded };
            let finish = Finish { outcome, at: now, expires_at: now.plus(DAY), ..finish(n, 0) };
            text(store.finish(id(n), by.map(Attempt), finish).await)
        }
        Step::Forget { n } => text(store.forget_payloads(id(n)).await),
        Step::Direct { n } => text(store.record_direct(vec![direct(n), direct(n + 2)]).await),
        Step::Log { n } => text(store.append_logs(vec![(id(n), line(1, "a")), (id(n + 1), line(2, "b"))]).await),
        Step::Tried { n, again } => {
            let next = again.then(|| now.plus(Duration::from_hours(1)));
            text(store.delivery_tried(id(n), next, Some("no".into())).await)
        }
        Step::Key { n } => text(store.insert_key(key(&n.to_string(), u64::from(n))).await),
        Step::Revoke { n } => text(store.revoke_key(&KeyId::new(n.to_string()), now).await),
        Step::File { n, mortal } => text(store.insert_file(file(&n.to_string(), mortal.then(|| now.plus(DAY)))).await),
        Step::Acl { n } => {
            text(store.set_acl(&n.to_string(), Acl { default: AclDecision::Hide, rules: Vec::new() }).await)
        }
        Step::DeleteFile { n } => text(store.delete_file(&n.to_string()).await),
        Step::Upload { n } => text(store.insert_upload(upload(&n.to_string(), now.plus(DAY))).await),
        Step::FinishUpload { n } => text(store.finish_upload(&n.to_string(), file(&n.to_string(), None)).await),
        Step::Sweep => text(store.sweep(now, MANY).await),
        Step::Wait { .. } | Step::Restart => String::new(),
    }
}

fn new_request(n: u8, key: Option<(u8, u8)>, webhook: bool, keep: bool, bob: bool, now: Timestamp) -> NewRequest {
    NewRequest {
        account: account(if bob { "bob" } else { "ann" }),
        app: app(if keep { "acme/draw" } else { "acme/paint" }),
        submitted_at: now,
        webhook: webhook.then(|| "http://hook.test".into()),
        keep_payloads: keep,
        idempotency: key.and_then(|(key, content)| idempotency(&key.to_string(), content, now.plus(DAY * 2))),
        ..request(n)
    }
}

fn text(answer: impl Debug) -> String {
    format!("{answer:?}")
}

/// Everything that can be read.
async fn everything(store: &dyn Store, now: Timestamp) -> Vec<String> {
    let mut all = vec![
        text(store.pending().await),
        text(store.apps().await),
        text(store.keys().await),
        text(store.due_deliveries(now, &[], MANY).await),
        text(store.expired_files(now, MANY).await),
        text(store.expired_uploads(now, MANY).await),
    ];
    for account in [None, Some(account("ann")), Some(account("bob"))] {
        // Cursors may have gaps, and may not have them in the same places.
        let feed = store.events(account.clone(), 0, MANY).await.unwrap();
        all.extend(feed.iter().map(|event| text((event.request, event.kind, event.attempt, event.outcome, event.at))));
        for open in [false, true] {
            let filter = RequestFilter { account: account.clone(), open, limit: 4, ..RequestFilter::default() };
            all.push(text(store.requests(filter).await));
        }
    }
    for n in 0..8 {
        all.extend(about(store, n, id(n)).await);
    }
    all
}

async fn about(store: &dyn Store, n: u8, id: RequestId) -> Vec<String> {
    vec![
        text(store.request(id).await),
        text(store.payload(id).await),
        text(store.result(id).await),
        text(store.logs(id, 0, MANY).await),
        text(store.file(&n.to_string()).await),
        text(store.upload(&n.to_string()).await),
        text(store.key(&KeyId::new(n.to_string())).await),
    ]
}

async fn compare(folder: &Path, steps: &[Step]) -> Result<(), TestCaseError> {
    let (model, mut store) = (MemoryStore::new(), sqlite::open(folder).unwrap());
    let mut now = at(100);
    for step in steps {
        match step {
            Step::Wait { hours } => now = now.plus(Duration::from_hours(u64::from(*hours))),
            Step::Restart => store = reopen(store, folder),
            _ => {}
        }
        prop_assert_eq!(take(&store, step, now).await, take(&model, step, now).await, "{:?}", step);
    }
    store = reopen(store, folder);
    prop_assert_eq!(everything(&store, now).await, everything(&model, now).await);
    Ok(())
}

fn reopen(store: SqliteStore, folder: &Path) -> SqliteStore {
    drop(store);
    sqlite::open(folder).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_memory_does(steps in proptest::collection::vec(step(), 1..80)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(folder.path(), &steps))?;
    }
}
