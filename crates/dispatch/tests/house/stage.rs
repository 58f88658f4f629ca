//! A dispatch with one app, and the runner that serves it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http_body_util::{BodyExt, Full};
use tempfile::TempDir;
use tintype_dispatch::{AppDefinition, BoxBody, Call, Dispatch, Options, Parts, Service, Status};
use tintype_domain::{AccountId, AppId, ManualClock, Priority, RequestId, RetryBudget, Timestamp, app::Spec};
use tintype_launch::{Address, Command, Launcher, fake::FakeLauncher};
use tintype_store::{MemoryStore, NewRequest, RequestState, Store, StoredResponse};
use tokio::{
    net::UnixListener,
    sync::{Notify, Semaphore},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// What the runner saw, and what it waits for.
pub struct Runner {
    pub calls: AtomicU32,
    pub arrived: Notify,
    pub release: Semaphore,
    pub cancelled: Mutex<Vec<String>>,
    cancel: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Default for Runner {
    fn default() -> Self {
        Self {
            calls: AtomicU32::new(0),
            arrived: Notify::new(),
            release: Semaphore::new(0),
            cancelled: Mutex::default(),
            cancel: Mutex::default(),
        }
    }
}

pub struct Stage {
    pub dispatch: Dispatch,
    pub store: Arc<MemoryStore>,
    pub runner: Arc<Runner>,
    pub clock: Arc<ManualClock>,
    stop: CancellationToken,
    service: Option<JoinHandle<()>>,
    folder: Option<TempDir>,
    next: AtomicU32,
}

pub fn app() -> AppId {
    "acme/app".parse().unwrap()
}

impl Stage {
    pub async fn new(spec: Spec) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("runner.sock");
        let runner = Arc::new(Runner::default());
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(axum::serve(listener, routes(runner.clone())).into_future());
        let launcher = FakeLauncher::ready_at(Address::Unix(socket));
        let mut stage = Self::with(spec, Arc::new(launcher), Arc::new(MemoryStore::new())).await;
        (stage.runner, stage.folder) = (runner, Some(folder));
        stage
    }

    pub async fn with(spec: Spec, launcher: Arc<dyn Launcher>, store: Arc<MemoryStore>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)));
        let parts = Parts {
            store: store.clone(),
            launcher,
            clock: clock.clone(),
            options: Options { max_result_bytes: 1 << 20, stop_grace: Duration::from_secs(2), ..Options::default() },
            cdn_token: Arc::new(|account, lifecycle| format!("token-of-{account}-{}", lifecycle.unwrap_or("none"))),
        };
        let definition = AppDefinition::native(app(), spec, Command::default(), None);
        let (service, dispatch) = Service::open(parts, vec![definition]).await.unwrap();
        let stop = CancellationToken::new();
        let service = Some(tokio::spawn(service.run(stop.clone())));
        let (runner, next) = (Arc::default(), AtomicU32::new(0));
        Self { dispatch, store, runner, clock, stop, service, folder: None, next }
    }

    pub async fn stop(&mut self) {
        self.stop.cancel();
        self.service.take().unwrap().await.unwrap();
    }

    pub fn id(&self) -> RequestId {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId::new(Timestamp::from_micros(i64::from(n) * 1000), [0; 10])
    }

    pub fn request(&self, path: &str) -> NewRequest {
        NewRequest {
            id: self.id(),
            account: AccountId::new("ann"),
            app: app(),
            path: path.into(),
            method: "POST".into(),
            priority: Priority::Normal,
            submitted_at: Timestamp::from_micros(1_700_000_000_000_000),
            start_deadline: None,
            hint: None,
            retry: RetryBudget::default(),
            headers: vec![("content-type".into(), "application/json".into())],
            body: Bytes::from_static(b"{\"prompt\":\"x\"}"),
            webhook: None,
            keep_payloads: true,
            idempotency: None,
        }
    }

    pub fn call(&self, path: &str) -> Call {
        Call {
            id: self.id(),
            account: AccountId::new("ann"),
            app: app(),
            path: path.into(),
            priority: Priority::Normal,
            start_deadline: None,
            hint: None,
            lifecycle: None,
        }
    }

    pub async fn submit(&self, path: &str) -> RequestId {
        self.dispatch.submit(self.request(path), None).await.unwrap().id
    }

    /// Waits until a request is in a state.
    pub async fn until(&self, id: RequestId, wanted: impl Fn(&Status) -> bool) -> Status {
        loop {
            let mut watch = self.dispatch.watch(id);
            let status = self.dispatch.status(id).await.unwrap().unwrap();
            if wanted(&status) {
                return status;
            }
            watch.changed().await;
        }
    }

    pub async fn done(&self, id: RequestId) -> Status {
        self.until(id, |status| matches!(status.record.state, RequestState::Done(_))).await
    }

    pub async fn result(&self, id: RequestId) -> StoredResponse {
        self.store.result(id).await.unwrap().unwrap()
    }
}

pub fn post_request(path: &str, body: &'static str) -> http::Request<BoxBody> {
    let body = Full::new(Bytes::from_static(body.as_bytes())).map_err(|never| match never {}).boxed_unsync();
    http::Request::post(path).header("x-custom", "kept").header("authorization", "Key a:b").body(body).unwrap()
}

fn routes(runner: Arc<Runner>) -> Router {
    Router::new()
        .route("/health", get(|| async { "{}" }))
        .route("/echo", post(echo))
        .route("/status/{status}", post(status))
        .route("/flaky", post(flaky))
        .route("/big", post(|| async { "x".repeat(2 << 20) }))
        .route("/broken", post(broken))
        .route("/hold", post(hold))
        .route("/hold/cancel", post(cancel))
        .route("/drip", post(drip))
        .route("/upgrade", get(upgrade))
        .with_state(runner)
}

async fn echo(State(runner): State<Arc<Runner>>, headers: HeaderMap, body: Bytes) -> Response {
    runner.calls.fetch_add(1, Ordering::Relaxed);
    let seen: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
    let body = format!("{}|{}", seen.join(";"), String::from_utf8_lossy(&body));
    ([("x-fal-billable-units", "3"), ("x-fal-stop-runner", "false")], body).into_response()
}

async fn status(State(runner): State<Arc<Runner>>, Path(status): Path<u16>) -> Response {
    runner.calls.fetch_add(1, Ordering::Relaxed);
    (StatusCode::from_u16(status).unwrap(), r#"{"detail":"as asked"}"#).into_response()
}

async fn flaky(State(runner): State<Arc<Runner>>) -> StatusCode {
    match runner.calls.fetch_add(1, Ordering::Relaxed) {
        0 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    }
}

async fn broken() -> Body {
    let pieces = futures::stream::unfold(0, |n| async move {
        // A moment in between, in which the first half leaves.
        tokio::task::yield_now().await;
        Some((if n == 0 { Ok("half of it") } else { Err(std::io::Error::other("cut")) }, n + 1))
    });
    Body::from_stream(pieces)
}

async fn hold(State(runner): State<Arc<Runner>>, headers: HeaderMap) -> Response {
    runner.calls.fetch_add(1, Ordering::Relaxed);
    let id = headers["x-fal-request-id"].to_str().unwrap().to_owned();
    let cancelled = runner.cancel.lock().unwrap().entry(id).or_default().clone();
    runner.arrived.notify_one();
    tokio::select! {
        permit = runner.release.acquire() => {
            permit.unwrap().forget();
            "done".into_response()
        }
        () = cancelled.notified() => (StatusCode::from_u16(499).unwrap(), r#"{"detail":"stopped"}"#).into_response(),
    }
}

async fn cancel(State(runner): State<Arc<Runner>>, headers: HeaderMap) {
    let id = headers["x-fal-request-id"].to_str().unwrap().to_owned();
    runner.cancelled.lock().unwrap().push(id.clone());
    runner.cancel.lock().unwrap().entry(id).or_default().notify_one();
}

/// One piece for each release.
async fn drip(State(runner): State<Arc<Runner>>) -> Body {
    let pieces = futures::stream::unfold((runner, 0), |(runner, n)| async move {
        if n == 3 {
            return None;
        }
        runner.release.acquire().await.unwrap().forget();
        Some((Ok::<_, std::io::Error>(format!("piece {n}")), (runner, n + 1)))
    });
    Body::from_stream(pieces)
}

async fn upgrade(request: axum::extract::Request) -> Response {
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        let mut io = hyper_util::rt::TokioIo::new(upgraded);
        let mut word = [0; 4];
        io.read_exact(&mut word).await.unwrap();
        io.write_all(&word).await.unwrap();
    });
    let headers = [("upgrade", "echo"), ("connection", "upgrade")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}
