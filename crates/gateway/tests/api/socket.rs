//! Realtime, raw sockets, and HTTP over a WebSocket.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tintype_access::{Grant, Purpose};
use tintype_domain::{AccountId, Clock, SystemClock};
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

use crate::house::{House, house, house_with};

async fn token(house: &House, app: &str) -> String {
    let answer = house.post("/tokens/", json!({"allowed_apps": [app]})).await.json();
    answer.as_str().unwrap().to_owned()
}

fn refused(error: Error) -> u16 {
    match error {
        Error::Http(response) => response.status().as_u16(),
        other => panic!("{other}"),
    }
}

/// The next message that is not a ping.
async fn next(socket: &mut (impl StreamExt<Item = Result<Message, Error>> + Unpin)) -> Message {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}

fn code(message: &Message) -> u16 {
    match message {
        Message::Close(Some(frame)) => frame.code.into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_opens_a_session_and_frames_pass_untouched() {
    let house = house().await;
    let token = token(&house, "noop").await;
    let mut socket =
        house.socket(&format!("/tintype/noop/realtime?fal_jwt_token={token}&max_buffering=7")).await.unwrap();
    for message in [
        Message::binary(vec![0, 255, 1]),
        Message::text("\u{17c}\u{f3}\u{142}w"),
        Message::text(""),
        Message::binary(vec![]),
    ] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(next(&mut socket).await, message);
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    let seen = house.runner.seen().remove(0);
    assert_eq!(seen.path, "/realtime");
    assert!(!seen.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_ping_is_answered_by_the_platform() {
    let house = house().await;
    let mut socket = house.socket("/tintype/noop/realtime").await.unwrap();
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("are you there".into()));
}

#[tokio::test]
async fn a_wrong_token_is_refused_at_the_handshake() {
    let house = house().await;
    let other = token(&house, "sketch").await;
    for (token, status) in [("nonsense", 401), ("", 401), (other.as_str(), 403)] {
        let answer = house.socket(&format!("/tintype/noop/realtime?fal_jwt_token={token}")).await;
        assert_eq!(refused(answer.unwrap_err()), status, "{token}");
    }
    assert_eq!(refused(house.socket("/tintype/skech/realtime").await.unwrap_err()), 404);
    assert_eq!(refused(house.socket("/tintype/noop/realtime?max_buffering=61").await.unwrap_err()), 400);
}

#[tokio::test]
async fn an_expired_token_is_told_in_band_so_that_clients_fetch_another() {
    let house = house().await;
    let purpose = Purpose::Realtime { apps: vec!["noop".into()] };
    let expires_at = SystemClock.now().minus(Duration::from_secs(1));
    let token = house.gateway.access.mint(Grant { account: AccountId::new("local"), purpose, expires_at });
    let mut socket = house.socket(&format!("/tintype/noop/realtime?fal_jwt_token={token}")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text(r#"{"status":"error","error":"Unauthorized"}"#));
    assert_eq!(code(&next(&mut socket).await), 1000);
    assert!(house.runner.seen().is_empty());
}

#[tokio::test]
async fn a_refusal_of_the_runner_is_the_callers_answer() {
    let house = house().await;
    let answer = house.socket("/tintype/noop/answer").await;
    assert_eq!(refused(answer.unwrap_err()), 200, "the runner answered without an upgrade");
}

#[tokio::test]
async fn a_close_code_of_the_model_reaches_the_caller() {
    let house = house().await;
    let mut socket = house.socket("/tintype/noop/realtime").await.unwrap();
    socket.send(Message::text("close")).await.unwrap();
    assert_eq!(code(&next(&mut socket).await), 4001);
}

#[tokio::test]
async fn a_runner_that_vanishes_is_an_error_in_band_and_an_orderly_close() {
    let house = house().await;
    let mut socket = house.socket("/tintype/noop/realtime").await.unwrap();
    socket.send(Message::text("vanish")).await.unwrap();
    let error: Value = serde_json::from_str(next(&mut socket).await.to_text().unwrap()).unwrap();
    assert_eq!((&error["type"], &error["error"]), (&json!("x-fal-error"), &json!("INTERNAL_ERROR")));
    assert_eq!(code(&next(&mut socket).await), 1000);
    let mut raw = house.socket("/tintype/noop/ws").await.unwrap();
    raw.send(Message::text("vanish")).await.unwrap();
    assert_eq!(code(&next(&mut raw).await), u16::from(CloseCode::Error));
}

#[tokio::test]
async fn a_flood_and_a_giant_are_ended_with_a_reason() {
    let house = house_with(|options, _| (options.max_messages_per_sec, options.max_message_bytes) = (1, 1000)).await;
    let mut flood = house.socket("/tintype/noop/realtime").await.unwrap();
    for _ in 0..50 {
        if flood.send(Message::text("x")).await.is_err() {
            break;
        }
    }
    let mut last = next(&mut flood).await;
    while last.is_text() && last.to_text().unwrap() == "x" {
        last = next(&mut flood).await;
    }
    assert!(last.to_text().unwrap().contains("RATE_LIMITED"), "{last:?}");
    assert_eq!(code(&next(&mut flood).await), 1008);
    let mut giant = house.socket("/tintype/noop/ws").await.unwrap();
    giant.send(Message::binary(vec![0; 2000])).await.unwrap();
    assert_eq!(code(&next(&mut giant).await), 1009);
}

#[tokio::test]
async fn a_caller_that_vanishes_gives_the_slot_back() {
    let house = house().await;
    let socket = house.socket("/tintype/noop/realtime").await.unwrap();
    house.runner.arrival("/realtime").await;
    drop(socket);
    // The only slot is free again.
    assert_eq!(house.post("/tintype/noop", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_server_that_stops_closes_its_sessions_in_order() {
    let house = house().await;
    let mut socket = house.socket("/tintype/noop/realtime").await.unwrap();
    house.gateway.stop.cancel();
    assert_eq!(code(&next(&mut socket).await), 1000);
}

#[tokio::test]
async fn http_over_a_websocket_answers_in_order_with_start_body_and_end() {
    let house = house().await;
    let mut socket = house.socket("/ws/tintype/noop/sub").await.unwrap();
    for body in ["{\"n\":1}", "{\"n\":2}", "{broken"] {
        socket.send(Message::text(body)).await.unwrap();
    }
    for (status, n) in [(200, Some(1)), (200, Some(2)), (422, None)] {
        let start: Value = serde_json::from_str(next(&mut socket).await.to_text().unwrap()).unwrap();
        assert_eq!((&start["type"], &start["status"]), (&json!("start"), &json!(status)));
        let mut body = vec![];
        let end = loop {
            match next(&mut socket).await {
                Message::Binary(bytes) => body.extend_from_slice(&bytes),
                Message::Text(text) => break serde_json::from_str::<Value>(&text).unwrap(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((&end["type"], &end["request_id"]), (&json!("end"), &start["request_id"]));
        assert!(end["time_to_first_byte_seconds"].is_number());
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["input"]["n"].as_u64(), n);
    }
}

#[tokio::test]
async fn a_caller_that_leaves_http_over_a_websocket_cancels_its_call() {
    let house = house().await;
    let mut socket = house.socket("/ws/tintype/noop/wait").await.unwrap();
    socket.send(Message::text("{}")).await.unwrap();
    house.runner.arrival("/wait").await;
    drop(socket);
    house.runner.arrival("/wait/cancel").await;
}
