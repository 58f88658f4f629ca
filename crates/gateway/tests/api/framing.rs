//! Runners whose answers are framed badly: the caller gets a whole answer or a clean error, and never a mix of two.

use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    house::{Answer, House, house_of},
    runner::Runner,
};

async fn house_saying(answer: impl Into<String>) -> House {
    house_of(Runner::saying(answer.into()).await, |_, _| {}).await
}

async fn answer_to(head: &str, body: &str) -> Answer {
    let house = house_saying(format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{head}\r\n{body}")).await;
    house.post("/tintype/noop", json!({})).await
}

#[tokio::test]
async fn a_length_beside_a_chunked_body_means_nothing() {
    for declared in ["0", "2", "5000000"] {
        let head = format!("content-length: {declared}\r\ntransfer-encoding: chunked\r\n");
        let house = house_saying(format!("HTTP/1.1 200 OK\r\n{head}\r\n5\r\nhello\r\n0\r\n\r\n")).await;
        // As bytes: the length that the server writes is what matters.
        let mut connection = house.connect().await;
        let head = format!("POST /tintype/noop HTTP/1.1\r\nHost: x\r\nAuthorization: Key {}\r\n", house.key);
        let request = format!("{head}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        connection.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("hello"), "{text}");
        assert!(!text.contains(&format!("content-length: {declared}\r\n")), "{text}");
    }
}

#[tokio::test]
async fn what_follows_the_declared_end_reaches_nobody() {
    let house = house_saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\nsmuggled").await;
    for _ in 0..2 {
        let answer = house.post("/tintype/noop", json!({})).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    }
}

#[tokio::test]
async fn headers_of_the_connection_end_here() {
    let head =
        "connection: close, x-secret\r\nx-secret: 1\r\nkeep-alive: timeout=5\r\ncontent-length: 2\r\nx-mine: 1\r\n";
    let answer = answer_to(head, "ok").await;
    assert_eq!((answer.status, answer.text.as_str(), answer.header("x-mine")), (200, "ok", "1"));
    for name in ["x-secret", "keep-alive", "connection", "transfer-encoding"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_framed_is_a_502() {
    let bad = [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "",
    ];
    for said in bad {
        let house = house_saying(said).await;
        let request = house.with(Method::POST, "/tintype/noop", &[("x-fal-no-retry", "1")], "{}").await;
        let error = request.json()["error_type"].clone();
        assert!(matches!(request.status, 502 | 503), "{said:?}: {request:?}");
        assert!(error.as_str().is_some_and(|error| error.starts_with("runner_")), "{said:?}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_after_its_head_was_passed_on_does_not_look_whole() {
    let house = house_saying("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n").await;
    let request = house.request(Method::POST, "/tintype/noop").body("{}".into()).unwrap();
    assert!(house.open(request).await.into_body().collect().await.is_err());
}
