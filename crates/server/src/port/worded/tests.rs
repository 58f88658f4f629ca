//! Served by hyper, as the port serves.

use std::convert::Infallible;

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
/// What an app might answer, byte for byte as hyper would refuse.
const LOOKALIKE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

/// Sends, and reads to the end of the connection.
async fn exchange(said: &str) -> String {
    let (mut near, far) = duplex(1 << 20);
    let served = tokio::spawn(serve(far));
    near.write_all(said.as_bytes()).await.unwrap();
    let mut text = String::new();
    near.read_to_string(&mut text).await.unwrap();
    served.await.unwrap();
    text
}

/// Every answer is the lookalike, as a body.
async fn serve(far: DuplexStream) {
    let service = service_fn(|_: Request<Incoming>| async { Ok::<_, Infallible>(Response::new(LOOKALIKE.to_owned())) });
    let io = TokioIo::new(Worded::new(far, Opaque::default()));
    let _ = http1::Builder::new().serve_connection(io, service).await;
}

fn assert_worded(text: &str, status: &str, says: &str) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
    assert!(head.contains("content-type: application/json") && head.contains("connection: close"), "{head}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(body["detail"].as_str().unwrap().contains(says), "{body}");
    assert_eq!(body["error_type"], "bad_request");
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json() {
    for said in
        ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/3.7\r\n\r\n", "\u{16}\u{3}\u{1}\r\n"]
    {
        assert_worded(&exchange(said).await, "400 Bad Request", "could not be read");
    }
}

#[tokio::test]
async fn an_address_that_is_too_long_is_refused_in_json() {
    let said = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000));
    assert_worded(&exchange(&said).await, "414 URI Too Long", "65534 bytes");
}

#[tokio::test]
async fn too_many_headers_are_refused_in_json() {
    let headers = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let text = exchange(&format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
    assert_worded(&text, "431 Request Header Fields Too Large", "at most 100");
}

#[tokio::test]
async fn a_bad_request_after_good_ones_is_worded_too() {
    let (mut near, far) = duplex(1 << 20);
    let served = tokio::spawn(serve(far));
    for _ in 0..2 {
        near.write_all(REQUEST.as_bytes()).await.unwrap();
        read_answer(&mut near).await;
    }
    near.write_all(b"nonsense\r\n\r\n").await.unwrap();
    let mut text = String::new();
    near.read_to_string(&mut text).await.unwrap();
    assert_worded(&text, "400 Bad Request", "could not be read");
    served.await.unwrap();
}

async fn read_answer(near: &mut DuplexStream) {
    let mut text = Vec::new();
    while !text.ends_with(LOOKALIKE.as_bytes()) {
        text.push(near.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn a_body_that_looks_like_a_refusal_passes() {
    let text = exchange(&REQUEST.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")).await;
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with(LOOKALIKE), "{text}");
}

#[tokio::test]
async fn what_is_not_http_any_more_passes() {
    let (mut near, far) = duplex(1 << 10);
    let opaque = Opaque::default();
    let mut carried = Worded::new(far, opaque.clone());
    opaque.set();
    near.write_all(b"x").await.unwrap();
    assert_eq!(carried.read_u8().await.unwrap(), b'x');
    carried.write_all(LOOKALIKE.as_bytes()).await.unwrap();
    drop(carried);
    let mut text = String::new();
    near.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, LOOKALIKE);
}
