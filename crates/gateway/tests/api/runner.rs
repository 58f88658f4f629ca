//! A runner that a test plays: it answers with what it saw, and waits where it is told to.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{
        Request, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    response::{IntoResponse, Response},
    routing::{any, get},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};

#[derive(Clone)]
pub struct Runner {
    pub address: SocketAddr,
    /// `/wait` takes one permit before it answers.
    pub gate: Arc<Semaphore>,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrivals: mpsc::UnboundedSender<String>,
    arrived: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>>,
}

/// A request as it reached the runner.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
}

impl Runner {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let runner = Self::at(&listener);
        let router = Router::new()
            .route("/health", get(|| async { "{}" }))
            .route("/wait", any(wait))
            .route("/answer", any(answer))
            .route("/broken", any(broken))
            .route("/stream", any(events))
            .route("/realtime", any(socket))
            .route("/ws", any(socket))
            .fallback(echo)
            .with_state(runner.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        runner
    }

    /// Answers everything with these very bytes, then hangs up.
    pub async fn saying(answer: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let runner = Self::at(&listener);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(say(stream, answer.clone()));
            }
        });
        runner
    }

    fn at(listener: &TcpListener) -> Self {
        let (arrivals, arrived) = mpsc::unbounded_channel();
        Self {
            address: listener.local_addr().unwrap(),
            gate: Arc::new(Semaphore::new(0)),
            seen: Arc::default(),
            arrivals,
            arrived: Arc::new(tokio::sync::Mutex::new(arrived)),
        }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    /// Waits until a request to `path` has arrived.
    pub async fn arrival(&self, path: &str) {
        let mut arrived = self.arrived.lock().await;
        while let Some(found) = arrived.recv().await {
            if found == path {
                return;
            }
        }
    }

    fn note(&self, request: &Request) {
        let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
        let _ = self.arrivals.send(path.clone());
        self.seen.lock().push(Seen { path, headers });
    }
}

async fn say(mut stream: TcpStream, answer: String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n{}") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn described(runner: &Runner, request: Request) -> Value {
    runner.note(&request);
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    json!({"method": parts.method.as_str(), "path": parts.uri.path(), "query": parts.uri.query(), "input": body})
}

async fn echo(State(runner): State<Runner>, request: Request) -> Response {
    axum::Json(described(&runner, request).await).into_response()
}

async fn wait(State(runner): State<Runner>, request: Request) -> Response {
    let described = described(&runner, request).await;
    runner.gate.acquire().await.unwrap().forget();
    axum::Json(described).into_response()
}

/// Answers with the status, the headers and the body that its input says.
async fn answer(State(runner): State<Runner>, request: Request) -> Response {
    let input = described(&runner, request).await["input"].take();
    let status = StatusCode::from_u16(input["status"].as_u64().unwrap_or(200) as u16).unwrap();
    let mut response = match &input["body"] {
        Value::Null => status.into_response(),
        body => (status, axum::Json(body.clone())).into_response(),
    };
    for (name, value) in input["headers"].as_object().into_iter().flatten() {
        let name = http::HeaderName::try_from(name.as_str()).unwrap();
        response.headers_mut().insert(name, value.as_str().unwrap().parse().unwrap());
    }
    response
}

/// Promises more than it sends.
async fn broken(State(runner): State<Runner>, request: Request) -> Response {
    runner.note(&request);
    let begun = stream::iter([Ok(Bytes::from_static(b"{"))]);
    // The head goes out while the body is not ready.
    let broken = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("broken"))
    });
    let body = begun.chain(broken);
    ([("content-length", "1000"), ("content-type", "application/json")], Body::from_stream(body)).into_response()
}

/// One event at once, the second behind the gate, cut in the middle of a letter.
async fn events(State(runner): State<Runner>, request: Request) -> Response {
    runner.note(&request);
    let gate = runner.gate.clone();
    let first = stream::iter([Bytes::from_static(b"data: {\"n\":1,\"partial\":true}\n\n")]);
    let second = stream::once(async move {
        gate.acquire().await.unwrap().forget();
        Bytes::from_static("data: {\"n\":2,\"word\":\"\u{e9}\"}".as_bytes())
    });
    let halves =
        second.flat_map(|event| stream::iter([event.slice(..event.len() - 3), event.slice(event.len() - 3..)]));
    let body = first.chain(halves).map(Ok::<_, std::io::Error>);
    ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response()
}

async fn socket(State(runner): State<Runner>, upgrade: WebSocketUpgrade, request: Request) -> Response {
    runner.note(&request);
    upgrade.on_upgrade(echo_frames)
}

/// Echoes; `close` and `vanish` do as they say.
async fn echo_frames(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) if text == "close" => {
                let frame = CloseFrame { code: 4001, reason: "told to".into() };
                let _ = socket.send(Message::Close(Some(frame))).await;
            }
            Message::Text(text) if text == "vanish" => return,
            Message::Text(_) | Message::Binary(_) => {
                let _ = socket.send(message).await;
            }
            _ => {}
        }
    }
}
