//! A runner on a socket of its own, and a client for it.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tintype_runner::{Listen, Options, RunError, run_until};
use tokio::{net::UnixStream, task::JoinHandle};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;

pub struct Runner {
    pub directory: TempDir,
    pub stop: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Runner {
    pub async fn start(model: &str, change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::new(model, Listen::Unix(directory.path().join("runner.sock")));
        change(&mut options);
        let stop = CancellationToken::new();
        let task = tokio::spawn(run_until(options, stop.clone()));
        let runner = Self { directory, stop, task };
        while UnixStream::connect(runner.socket()).await.is_err() {
            assert!(!runner.task.is_finished(), "the runner ended before it listened");
            tokio::task::yield_now().await;
        }
        runner
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("runner.sock")
    }

    /// Waits for the end of a runner that was told to stop.
    pub async fn ended(self) {
        self.task.await.unwrap().unwrap();
    }

    pub async fn post(&self, path: &str, input: &Value) -> Answer {
        let request = Request::post(path).body(Full::from(input.to_string())).unwrap();
        self.send(request).await
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        send(&self.socket(), request).await
    }

    pub async fn open(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        open(&self.socket(), request).await
    }

    pub async fn websocket(&self, path: &str) -> WebSocketStream<UnixStream> {
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        tokio_tungstenite::client_async(format!("ws://runner{path}"), stream).await.unwrap().0
    }
}

pub async fn send(socket: &Path, request: Request<Full<Bytes>>) -> Answer {
    let (parts, body) = open(socket, request).await.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

async fn open(socket: &Path, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let stream = UnixStream::connect(socket).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}
