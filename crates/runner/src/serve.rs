//! The life of the process: load, listen, serve, drain.

use std::{io, path::Path, sync::Arc};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, Uri};
use serde_json::json;
use tintype_domain::{Clock as _, SystemClock};
use tokio::{
    net::{TcpListener, UnixListener, UnixStream},
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Listen, Options,
    caller::Caller,
    calls::Calls,
    log::{self, Level},
    models, native, noop,
    platform::Platform,
    problem::{Problem, json_answer},
    scratch::{self, Scratch},
};

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("there is no family `{found}` of native models: this build has {known}")]
    UnknownFamily { found: String, known: String },
    #[error("could not load `{model}`")]
    Load { model: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("could not listen on {listen:?}")]
    Listen { listen: Listen, source: io::Error },
    #[error("could not serve")]
    Serve(#[source] io::Error),
}

/// What the handlers of every model share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub calls: Calls,
    pub platform: Platform,
    pub options: Options,
    /// A permit for each computation that may run.
    pub slots: Arc<Semaphore>,
    /// Cancelled when no new work may begin.
    pub stop: CancellationToken,
    /// Sockets outlive the HTTP connection that they came from: whoever drains waits for these too.
    pub sessions: TaskTracker,
}

/// Serves until SIGTERM or SIGINT, then finishes what was begun and returns.
pub async fn run(options: Options) -> Result<(), RunError> {
    let (mut terminate, mut interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    let signals = tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => signalled.cancel(),
            _ = interrupt.recv() => signalled.cancel(),
        }
    });
    let served = run_until(options, stop).await;
    signals.abort();
    served
}

fn watch(kind: SignalKind) -> Result<tokio::signal::unix::Signal, RunError> {
    signal(kind).map_err(RunError::Serve)
}

/// Serves until `stop`, then finishes what was begun and returns.
pub async fn run_until(options: Options, stop: CancellationToken) -> Result<(), RunError> {
    let listen = options.listen.clone();
    let shared = Shared {
        calls: Calls::default(),
        platform: Platform::new(options.platform.clone()),
        slots: Arc::new(Semaphore::new(options.slots.max(1))),
        options,
        stop: stop.clone(),
        sessions: TaskTracker::new(),
    };
    if let Some(scratch) = &shared.options.scratch {
        scratch::sweep(scratch, SystemClock.now());
    }
    prepare_programs(&shared.options);
    let sessions = shared.sessions.clone();
    let router = model_router(shared).await?;
    let failed = |source| RunError::Listen { listen: listen.clone(), source };
    match &listen {
        Listen::Unix(path) => {
            let listener = bind_unix(path).await.map_err(failed)?;
            announce(&listen);
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            // Leaves no trace; a runner that could not is replaced all the same.
            let _ = std::fs::remove_file(path);
            served.map_err(RunError::Serve)?;
        }
        Listen::Tcp(address) => {
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            announce(&listen);
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
            served.await.map_err(RunError::Serve)?;
        }
    }
    sessions.close();
    sessions.wait().await;
    Ok(())
}

/// What holds for the programs that models start.
fn prepare_programs(options: &Options) {
    let (sandboxing, folder) = (options.sandbox, options.work.clone());
    if let Some(folder) = &folder
        && let Err(error) = tintype_programs::sweep(folder)
    {
        log::line(Level::Warn, None, &format!("could not sweep {}: {error}", folder.display()));
    }
    let warn = |message: &str| log::line(Level::Warn, None, message);
    tintype_programs::set(tintype_programs::Settings { sandboxing, folder, warn });
}

fn announce(listen: &Listen) {
    log::line(Level::Info, None, &format!("ready on {listen:?}"));
}

async fn model_router(shared: Shared) -> Result<Router, RunError> {
    let family = shared.options.family();
    if family == "noop" {
        return Ok(noop::router(shared));
    }
    let Some(load) = models::family(family) else {
        return Err(RunError::UnknownFamily { found: family.to_owned(), known: models::names() });
    };
    let options = shared.options.clone();
    let loaded = tokio::task::spawn_blocking(move || load(&options)).await;
    let loaded = loaded.map_err(Into::into).and_then(|loaded| loaded);
    let model = loaded.map_err(|source| RunError::Load { model: shared.options.model.clone(), source })?;
    if let Some(place) = model.place() {
        log::line(Level::Info, None, &format!("{} computes on {place}", shared.options.model));
    }
    Ok(native::router(shared, &model))
}

/// Adds what every app answers alike: cancellation at any path, and what it does not know.
pub(crate) fn frame(router: Router<Shared>, shared: Shared) -> Router {
    router
        .method_not_allowed_fallback(async || {
            json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "detail": "Method Not Allowed: use POST" }))
        })
        .fallback(cancel_or_refuse)
        .with_state(shared)
}

/// What it is, and how many requests it works on: whoever takes it over must know.
pub(crate) fn healthy(shared: &Shared) -> Response {
    let slots = shared.options.slots.max(1);
    // A computation may last longer than the call that asked for it.
    let computing = slots.saturating_sub(shared.slots.available_permits());
    let running = shared.calls.count().max(computing);
    let answer = json_answer(StatusCode::OK, &json!({ "version": env!("CARGO_PKG_VERSION") }));
    ([(tintype_wire::header::RUNNING, running.to_string())], answer).into_response()
}

async fn cancel_or_refuse(State(shared): State<Shared>, method: Method, uri: Uri, caller: Caller) -> Response {
    if method != Method::POST || !uri.path().ends_with("/cancel") {
        return Problem::UnknownPath { path: uri.path().to_owned() }.into_response();
    }
    let scratch = Scratch::of(shared.options.scratch.as_deref(), caller.request.as_deref());
    let found = caller.request.is_some_and(|request| shared.calls.cancel(&request));
    if let Some(scratch) = scratch.filter(|_| found) {
        scratch.discard();
    }
    let (status, word) = if found { (StatusCode::OK, "OK") } else { (StatusCode::NOT_FOUND, "NOT_FOUND") };
    json_answer(status, &json!({ "status": word }))
}

/// Replaces the socket of a dead runner, never of a living one.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && UnixStream::connect(path).await.is_err() => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        other => other,
    }
}
