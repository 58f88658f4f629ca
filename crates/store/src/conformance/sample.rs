//! Records to test with. `n` makes them differ.

mod deployments;

use std::time::Duration;

use bytes::Bytes;
use tintype_domain::{
    AccountId, AppId, Attempt, KeyId, LogEntry, LogLevel, Outcome, Priority, RequestId, RetryBudget, RunnerId,
    Timestamp,
};

use crate::{
    Acl, DirectCall, FileRecord, Finish, Idempotency, KeyRecord, KeyScope, NewRequest, Store, StoredResponse, Upload,
};

pub use deployments::*;

pub const DAY: Duration = Duration::from_hours(24);

/// The moment at which everything begins.
pub const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

pub fn at(secs: u64) -> Timestamp {
    START.plus(Duration::from_secs(secs))
}

pub fn id(n: u8) -> RequestId {
    RequestId::new(at(u64::from(n)), [n; 10])
}

/// The id of the `attempt`th attempt at a request, as a gateway would make it.
pub fn attempt_id(n: u8, attempt: u32) -> RequestId {
    RequestId::new(at(u64::from(n)), [attempt as u8 ^ 0xff; 10])
}

pub fn account(name: &str) -> AccountId {
    AccountId::new(name)
}

pub fn app(name: &str) -> AppId {
    name.parse().expect("samples name good apps")
}

pub fn runner() -> RunnerId {
    RunnerId::new("runner-1")
}

pub fn request(n: u8) -> NewRequest {
    NewRequest {
        id: id(n),
        account: account("ann"),
        app: app("acme/draw"),
        path: "/fast".into(),
        method: "POST".into(),
        priority: Priority::Normal,
        submitted_at: at(u64::from(n)),
        start_deadline: None,
        hint: None,
        retry: RetryBudget::default(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: Bytes::from(format!("{{\"n\":{n}}}")),
        webhook: None,
        keep_payloads: true,
        idempotency: None,
    }
}

pub fn idempotency(key: &str, content: u8, expires_at: Timestamp) -> Option<Idempotency> {
    Some(Idempotency { key: key.into(), fingerprint: [content; 32], expires_at })
}

pub fn response(n: u8) -> StoredResponse {
    StoredResponse {
        status: 200,
        headers: vec![("x-seed".into(), n.to_string())],
        body: Bytes::from(format!("result {n}")),
    }
}

/// A success at `secs`, kept for a day.
pub fn finish(n: u8, secs: u64) -> Finish {
    Finish {
        outcome: Outcome::Succeeded,
        response: response(n),
        error: None,
        error_type: None,
        at: at(secs),
        expires_at: at(secs).plus(DAY),
    }
}

pub fn direct(n: u8) -> DirectCall {
    DirectCall {
        id: id(n),
        account: account("ann"),
        app: app("acme/draw"),
        path: String::new(),
        started_at: at(u64::from(n)),
        finished_at: at(u64::from(n) + 1),
        outcome: Outcome::Succeeded,
        status_code: Some(200),
        error_type: None,
        runner: Some(runner()),
    }
}

pub fn line(secs: u64, message: &str) -> LogEntry {
    LogEntry { timestamp: at(secs), level: LogLevel::Info, message: message.into() }
}

pub fn key(id: &str, secs: u64) -> KeyRecord {
    KeyRecord {
        id: KeyId::new(id),
        account: account("ann"),
        alias: "laptop".into(),
        scope: KeyScope::Api,
        secret_hash: [7; 32],
        created_at: at(secs),
        revoked_at: None,
    }
}

pub fn file(id: &str, expires_at: Option<Timestamp>) -> FileRecord {
    FileRecord {
        id: id.into(),
        name: "cat.png".into(),
        account: account("ann"),
        content_type: "image/png".into(),
        size: 3,
        digest: "abc".into(),
        acl: Acl::default(),
        created_at: START,
        expires_at,
    }
}

pub fn upload(id: &str, expires_at: Timestamp) -> Upload {
    Upload {
        id: id.into(),
        file: format!("{id}-file"),
        name: "cat.png".into(),
        account: account("ann"),
        content_type: "image/png".into(),
        acl: Acl::default(),
        lifetime: Some(DAY),
        created_at: START,
        expires_at,
    }
}

pub async fn enqueue(store: &dyn Store, request: NewRequest) {
    assert_eq!(store.enqueue(request).await.expect("the store takes a request"), crate::Enqueued::New);
}

/// Begins the `attempt`th attempt at `secs`.
pub async fn begin(store: &dyn Store, n: u8, attempt: u32, secs: u64) -> bool {
    let begun = store.begin_attempt(id(n), Attempt(attempt), attempt_id(n, attempt), runner(), at(secs)).await;
    begun.expect("the store answers")
}

/// From submit to a success in one attempt; it ends at second 10.
pub async fn run_through(store: &dyn Store, request: NewRequest, n: u8) {
    enqueue(store, request).await;
    assert!(begin(store, n, 1, 5).await);
    assert!(store.finish(id(n), Some(Attempt(1)), finish(n, 10)).await.expect("the store answers"));
}
