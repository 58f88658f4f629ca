//! The contract with the diagnostic model.

use std::future::poll_fn;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use rmpv::Value as Pack;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::Runner;

async fn noop() -> Runner {
    Runner::start("tintype/noop", |_| {}).await
}

fn with_id(path: &str, id: &str, input: &Value) -> Request<Full<Bytes>> {
    Request::post(path).header("x-fal-request-id", id).body(Full::from(input.to_string())).unwrap()
}

/// Resolves when the runner has answered `/cancel` for this id with `OK`.
async fn cancel_when_running(runner: &Runner, path: &str, id: &str) {
    while runner.send(with_id(path, id, &json!({}))).await.status != StatusCode::OK {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_is_echoed_at_every_path() {
    let runner = noop().await;
    for path in ["/", "/sub", "/sub/deeper"] {
        let answer = runner.post(path, &json!({ "prompt": "hé", "n": [1, 2.5] })).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "prompt": "hé", "n": [1, 2.5] })));
    }
    let empty = runner.send(Request::post("/").body(Full::default()).unwrap()).await;
    assert_eq!(empty.body, "{}");
}

#[tokio::test]
async fn an_answer_need_not_be_json() {
    let input = json!({ "text": "plain", "headers": { "content-type": "text/event-stream" } });
    let answer = noop().await.post("/stream", &input).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"plain"[..]));
    assert_eq!(answer.headers["content-type"], "text/event-stream");
}

#[tokio::test]
async fn health_is_ready_and_what_is_unknown_is_refused_in_json() {
    let runner = noop().await;
    let health = runner.send(Request::get("/health").body(Full::default()).unwrap()).await;
    assert_eq!(health.status, StatusCode::OK);
    let unknown = runner.post("/nowhere", &json!({})).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (StatusCode::NOT_FOUND, json!({ "detail": "Path /nowhere not found" }))
    );
    assert_eq!(unknown.headers["x-fal-billable-units"], "0");
    let get = runner.send(Request::get("/").body(Full::default()).unwrap()).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(get.json()["detail"].is_string());
}

#[tokio::test]
async fn a_body_that_is_not_json_is_named_as_such() {
    let runner = noop().await;
    let answer = runner.send(Request::post("/").body(Full::from("{\"a\":")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["detail"][0]["type"], "json_invalid");
}

#[tokio::test]
async fn it_answers_as_it_is_asked_to() {
    let runner = noop().await;
    let input = json!({ "status": 503, "headers": { "x-fal-needs-retry": "1" } });
    let answer = runner.post("/", &input).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["x-fal-needs-retry"], "1");
    let past = runner.post("/", &json!({ "status": 503, "until_ms": 1 })).await;
    assert_eq!(past.status, StatusCode::OK);
    let described = runner.send(with_id("/sub", "r-1", &json!({ "describe": true }))).await.json();
    assert_eq!((&described["path"], &described["headers"]["x-fal-request-id"]), (&json!("/sub"), &json!("r-1")));
}

#[tokio::test]
async fn a_cancelled_call_ends_with_499() {
    let runner = noop().await;
    let call = runner.send(with_id("/sub", "r-1", &json!({ "sleep_ms": 600_000 })));
    let (answer, ()) = tokio::join!(call, cancel_when_running(&runner, "/sub/cancel", "r-1"));
    assert_eq!(answer.status.as_u16(), 499);
    let again = runner.send(with_id("/sub/cancel", "r-1", &json!({}))).await;
    assert_eq!((again.status, again.json()), (StatusCode::NOT_FOUND, json!({ "status": "NOT_FOUND" })));
}

#[tokio::test]
async fn a_broken_answer_breaks_and_the_runner_lives_on() {
    let runner = noop().await;
    let request = with_id("/", "r-1", &json!({ "crash": "disconnect" }));
    let response = runner.open(request).await;
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(runner.post("/", &json!({})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_stream_is_events_and_ends_with_the_answer() {
    let runner = noop().await;
    let answer = runner.post("/stream", &json!({ "events": [{ "n": 1 }], "prompt": "x" })).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let last = json!({ "events": [{ "n": 1 }], "prompt": "x" });
    assert_eq!(text, format!("data: {{\"n\":1}}\n\ndata: {last}\n\n"));
}

#[tokio::test]
async fn a_stream_can_be_broken_or_cancelled() {
    let runner = noop().await;
    let broken = runner.open(with_id("/stream", "r-1", &json!({ "break_after": 1 }))).await;
    assert!(broken.into_body().collect().await.is_err());
    let slow = runner.open(with_id("/stream", "r-2", &json!({ "interval_ms": 600_000 }))).await;
    cancel_when_running(&runner, "/stream/cancel", "r-2").await;
    assert!(slow.into_body().collect().await.is_err());
}

#[tokio::test]
async fn stopping_lets_running_calls_finish() {
    let runner = noop().await;
    let call = runner.send(with_id("/", "r-1", &json!({ "sleep_ms": 100, "a": 1 })));
    let socket = runner.socket();
    let stop = async {
        // Counts as begun when it can be found.
        while runner.send(with_id("/cancel", "unknown", &json!({}))).await.status != StatusCode::NOT_FOUND {}
        runner.stop.cancel();
    };
    let (answer, ()) = tokio::join!(call, stop);
    assert_eq!((answer.status, &answer.json()["a"]), (StatusCode::OK, &json!(1)));
    runner.ended().await;
    assert!(!socket.exists());
}

fn pack(value: &Value) -> Message {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &rmpv::ext::to_value(value).unwrap()).unwrap();
    Message::Binary(bytes.into())
}

fn unpack(message: Message) -> Value {
    match message {
        Message::Binary(bytes) => {
            let value: Pack = rmpv::decode::read_value(&mut &bytes[..]).unwrap();
            serde_json::to_value(value).unwrap()
        }
        other => panic!("expected a binary frame, found {other:?}"),
    }
}

#[tokio::test]
async fn realtime_answers_maps_with_maps_and_errors_with_text() {
    let runner = noop().await;
    let mut socket = runner.websocket("/realtime?max_buffering=2").await;
    socket.send(pack(&json!({ "request_id": "a", "n": 1 }))).await.unwrap();
    assert_eq!(unpack(socket.next().await.unwrap().unwrap()), json!({ "request_id": "a", "n": 1 }));
    socket.send(Message::Binary(vec![0x93, 1].into())).await.unwrap();
    let error: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!((&error["type"], &error["error"]), (&json!("x-fal-error"), &json!("INVALID_INPUT")));
    socket.send(pack(&json!({ "error": "INTERNAL_ERROR" }))).await.unwrap();
    let error: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(error["error"], "INTERNAL_ERROR");
    match socket.next().await.unwrap().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1000),
        other => panic!("expected a close, found {other:?}"),
    }
}

#[tokio::test]
async fn a_full_buffer_drops_its_oldest_input() {
    let runner = noop().await;
    let mut socket = runner.websocket("/realtime?max_buffering=1").await;
    socket.send(pack(&json!({ "n": 0, "sleep_ms": 200 }))).await.unwrap();
    for n in 1..5 {
        socket.feed(pack(&json!({ "n": n }))).await.unwrap();
    }
    socket.flush().await.unwrap();
    let first = unpack(socket.next().await.unwrap().unwrap());
    let second = unpack(socket.next().await.unwrap().unwrap());
    assert_eq!((&first["n"], &second["n"]), (&json!(0), &json!(4)));
}

#[tokio::test]
async fn pings_are_answered_while_an_input_is_computed() {
    let runner = noop().await;
    let mut socket = runner.websocket("/realtime").await;
    socket.send(pack(&json!({ "sleep_ms": 600_000 }))).await.unwrap();
    socket.send(Message::Ping(Bytes::from_static(b"p"))).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"p")));
}

#[tokio::test]
async fn silence_ends_a_session_in_good_order() {
    let runner = Runner::start("noop", |options| options.session_timeout = std::time::Duration::from_millis(20)).await;
    let mut socket = runner.websocket("/realtime").await;
    let error: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(error["error"], "TIMEOUT");
    assert!(
        matches!(socket.next().await.unwrap().unwrap(), Message::Close(Some(frame)) if u16::from(frame.code) == 1000)
    );
}

#[tokio::test]
async fn raw_frames_come_back_as_they_are() {
    let runner = noop().await;
    let mut socket = runner.websocket("/ws").await;
    for message in [Message::text("not json"), Message::binary(vec![0, 255])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.send(Message::text("close:4001")).await.unwrap();
    assert!(
        matches!(socket.next().await.unwrap().unwrap(), Message::Close(Some(frame)) if u16::from(frame.code) == 4001)
    );
}

#[tokio::test]
async fn stopping_ends_open_sessions() {
    let runner = noop().await;
    let (mut realtime, mut raw) = (runner.websocket("/realtime").await, runner.websocket("/ws").await);
    runner.stop.cancel();
    assert!(matches!(realtime.next().await.unwrap().unwrap(), Message::Close(_)));
    while let Some(Ok(_)) = raw.next().await {}
    drop((realtime, raw));
    runner.ended().await;
}

#[tokio::test]
async fn a_second_runner_leaves_a_living_socket_alone_and_replaces_a_dead_one() {
    let runner = noop().await;
    let options = tintype_runner::Options::new("noop", tintype_runner::Listen::Unix(runner.socket()));
    let error = tintype_runner::run_until(options, runner.stop.child_token()).await.unwrap_err();
    assert!(error.to_string().starts_with("could not listen on"));
    let directory = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(directory.path().join("runner.sock")).unwrap());
    let socket = directory.path().join("runner.sock");
    let replaced = Runner::start("noop", move |options| options.listen = tintype_runner::Listen::Unix(socket));
    // The harness waits on its own path, which never appears: the replaced socket is asked instead.
    let path = directory.path().join("runner.sock");
    tokio::select! {
        _ = replaced => panic!("the harness connected to a path where nobody listens"),
        () = poll_fn(|context| {
            context.waker().wake_by_ref();
            match std::os::unix::net::UnixStream::connect(&path) {
                Ok(_) => std::task::Poll::Ready(()),
                Err(_) => std::task::Poll::Pending,
            }
        }) => {}
    }
}
