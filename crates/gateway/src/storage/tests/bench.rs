//! A server's storage part, and ways to call it.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tintype_access::Access;
use tintype_blob::{Blobs, Signer};
use tintype_domain::{AccountId, ManualClock, Timestamp};
use tintype_outbound::{Outbound, Policy};
use tintype_store::{KeyScope, memory::MemoryStore};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::storage::{cdn, files::Files, platform, rest, runner, uploader};

pub(super) const BASE: &str = "http://127.0.0.1:8700";
/// Largest upload here.
pub(super) const LIMIT: u64 = 4 << 20;

pub(super) struct Bench {
    pub files: Files,
    pub clock: Arc<ManualClock>,
    pub store: Arc<MemoryStore>,
    /// `Key id:secret` of the account `owner`.
    pub key: String,
    folder: TempDir,
    public: Router,
    inner: Router,
    uploader: Router,
}

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with(Policy::default()).await
    }

    pub(super) async fn with(policy: Policy) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)));
        let files = Files {
            store: store.clone(),
            access: Arc::new(Access::open(store.clone(), clock.clone(), [1; 32])),
            blobs: Arc::new(Blobs::open(folder.path().to_owned()).unwrap()),
            signer: Arc::new(Signer::new([2; 32])),
            outbound: Arc::new(Outbound::new(policy)),
            clock: clock.clone(),
            storage_url: BASE.parse().unwrap(),
            max_upload_bytes: LIMIT,
            body_idle: Duration::from_secs(30),
            uploads: Arc::new(Semaphore::new(2)),
        };
        let public = rest().merge(cdn()).nest("/v1", platform()).with_state(files.clone());
        let inner = runner().with_state(files.clone());
        let uploader = uploader().with_state(files.clone());
        let mut bench = Self { files, clock, store, key: String::new(), folder, public, inner, uploader };
        bench.key = bench.key_of("owner").await;
        bench
    }

    pub(super) async fn key_of(&self, account: &str) -> String {
        let (_, key) = self.files.access.create_key(AccountId::new(account), "test", KeyScope::Api).await.unwrap();
        format!("Key {key}")
    }

    /// Calls with the headers given and no others; a full address is taken as its path.
    pub(super) async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        send(&self.public, method, url, headers, body.into()).await
    }

    pub(super) async fn call_inside(&self, url: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        send(&self.inner, Method::POST, url, headers, body.into()).await
    }

    /// As an app does, on the socket of the uploader.
    pub(super) async fn uploader(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        send(&self.uploader, method, url, headers, body.into()).await
    }

    pub(super) async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.call(Method::GET, url, headers, Body::empty()).await
    }

    /// Uploads directly as the owner, and gives the address.
    pub(super) async fn upload(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> String {
        let headers = [&[("authorization", self.key.as_str())], headers].concat();
        let answer = self.call(Method::POST, "/files/upload", &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer.json()["access_url"].as_str().unwrap().to_owned()
    }

    /// A storage token of the owner.
    pub(super) async fn token(&self) -> String {
        let headers = [("authorization", self.key.as_str())];
        let url = "/storage/auth/token?storage_type=fal-cdn-v3";
        let answer = self.call(Method::POST, url, &headers, "{}").await.json();
        format!("{} {}", answer["token_type"].as_str().unwrap(), answer["token"].as_str().unwrap())
    }

    /// Files of any kind in the object folder.
    pub(super) fn files_on_disk(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(self.folder.path())
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{:?}", self.body);
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks an error's shape, and gives its status, code and text.
    pub(super) fn error(&self) -> (u16, String, String) {
        let body = self.json();
        let code = body["error_type"].as_str().unwrap().to_owned();
        assert_eq!(self.header("x-fal-error-type"), code);
        (self.status.as_u16(), code, body["detail"].to_string())
    }
}

async fn send(router: &Router, method: Method, url: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut request = Request::builder().method(method).uri(url.strip_prefix(BASE).unwrap_or(url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response: Response = router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}
