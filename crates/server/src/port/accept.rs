//! Taking connections.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Port, http, sniff};

/// After a failed accept: no file descriptor is free, most likely, and trying again at once would only burn time.
const BREATH: Duration = Duration::from_millis(50);

pub(super) async fn accept_all(port: Arc<Port>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole; waiting to fill packets would only delay the last one.
                let _ = stream.set_nodelay(true);
                port.tasks.spawn(sniff::connection(Arc::clone(&port), stream, peer));
            }
            Err(error) => failed(&error).await,
        }
    }
}

pub(super) async fn accept_runners(
    router: Router,
    listener: UnixListener,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = TowerToHyperService::new(router.clone());
                let connection = http::http1().serve_connection(TokioIo::new(stream), service);
                tasks.spawn(stop.clone().run_until_cancelled_owned(connection));
            }
            Err(error) => failed(&error).await,
        }
    }
}

pub(super) async fn failed(error: &io::Error) {
    tracing::warn!(%error, "could not accept a connection");
    tokio::time::sleep(BREATH).await;
}
