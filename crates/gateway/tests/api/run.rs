//! Direct calls.

use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::house::{house, house_with};

#[tokio::test]
async fn a_direct_call_reaches_the_runner_and_its_answer_the_caller() {
    let house = house().await;
    let answer = house.post("/tintype/noop/sub?x=1", json!({"seed": 5})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({"method": "POST", "path": "/sub", "query": "x=1", "input": {"seed": 5}}));
    assert!(!answer.header("x-fal-served-from").is_empty());
    let seen = house.runner.seen().remove(0);
    assert_eq!(seen.headers["x-fal-request-id"], answer.header("x-fal-request-id"));
    assert_eq!(
        (&seen.headers["x-fal-endpoint"], &seen.headers["x-fal-cdn-token"]),
        (&"/sub".parse().unwrap(), &"cdn-of-local".parse().unwrap())
    );
    assert!(!seen.headers.contains_key("authorization"), "the key stays with the platform");
}

#[tokio::test]
async fn every_address_of_the_run_surface_is_the_same() {
    let house = house().await;
    for (host, path) in [
        ("localhost:8700", "/run/tintype/noop"),
        ("localhost:8700", "/tintype/noop/"),
        ("fal.run", "/tintype/noop"),
        ("falrun.com", "//tintype/noop"),
        ("localhost", "/fal-ai/flux/dev"),
    ] {
        let answer = house.with(Method::POST, path, &[("host", host)], "{}").await;
        assert_eq!((answer.status, answer.json()["path"].as_str()), (200, Some("/")), "{host}{path}");
    }
}

#[tokio::test]
async fn a_missing_body_is_an_empty_input_and_other_methods_pass() {
    let house = house().await;
    assert_eq!(house.with(Method::POST, "/tintype/noop", &[], "").await.json()["input"], json!({}));
    let get = house.get("/tintype/noop?prompt=a%20cat&fal_jwt_token=").await;
    assert_eq!(get.status, 401, "an empty token is a wrong token");
    let get = house.get("/tintype/noop?prompt=a%20cat").await;
    assert_eq!((&get.json()["method"], &get.json()["query"]), (&json!("GET"), &json!("prompt=a%20cat")));
    assert_eq!(house.with(Method::HEAD, "/tintype/noop", &[], "").await.status, 405);
}

#[tokio::test]
async fn a_models_error_passes_with_its_body_and_costs_nothing() {
    let house = house().await;
    let body = json!({"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]});
    let answer = house.post("/tintype/noop/answer", json!({"status": 422, "body": body})).await;
    assert_eq!((answer.status, answer.json(), answer.header("x-fal-billable-units")), (422, body, "0"));
    let empty = house.post("/tintype/noop/answer", json!({"status": 405})).await;
    assert_eq!((empty.status, empty.json()), (405, json!({"detail": "Method Not Allowed"})));
}

#[tokio::test]
async fn words_from_runner_to_platform_do_not_reach_the_caller() {
    let house = house().await;
    let headers = json!({"x-fal-runner-health-check": "1", "x-fal-runner-hints": "a,b", "access-control-allow-origin": "https://x", "x-mine": "1"});
    let answer = house.post("/tintype/noop/answer", json!({"body": {}, "headers": headers})).await;
    assert_eq!((answer.header("x-fal-runner-hints"), answer.header("x-mine")), ("a,b", "1"));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("x-fal-runner-health-check").is_empty());
}

#[tokio::test]
async fn too_many_headers_of_a_runner_are_a_502() {
    let house = house_with(|options, _| options.max_header_bytes = 500).await;
    let answer = house.post("/tintype/noop/answer", json!({"body": {}, "headers": {"x-long": "y".repeat(600)}})).await;
    assert_eq!((answer.status, answer.header("x-fal-error-type")), (502, "runner_incomplete_response"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_502_with_the_fal_shape() {
    let house = house().await;
    let answer = house.post("/tintype/noop/broken", json!({})).await;
    assert_eq!((answer.status, &answer.json()["error_type"]), (502, &json!("runner_incomplete_response")));
}

#[tokio::test]
async fn events_arrive_one_by_one_whole_and_closed() {
    let house = house().await;
    let request = house.request(Method::POST, "/tintype/noop/stream").body("{}".into()).unwrap();
    let mut answer = house.open(request).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut next = async || answer.frame().await.map(|frame| frame.unwrap().into_data().unwrap());
    assert_eq!(next().await.unwrap(), "data: {\"n\":1,\"partial\":true}\n\n");
    house.runner.gate.add_permits(1);
    assert_eq!(next().await.unwrap(), "data: {\"n\":2,\"word\":\"\\u00e9\"}\n\n");
    assert_eq!(next().await, None);
}

#[tokio::test]
async fn a_silent_stream_gets_comments() {
    let house = house_with(|options, _| options.keep_alive = std::time::Duration::from_millis(5)).await;
    let request = house.request(Method::POST, "/tintype/noop/stream").body("{}".into()).unwrap();
    let mut answer = house.open(request).await;
    answer.frame().await.unwrap().unwrap();
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), ": keep-alive\n\n");
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_its_call() {
    let house = house().await;
    let mut connection = house.connect().await;
    let head = format!("POST /tintype/noop/wait HTTP/1.1\r\nHost: x\r\nAuthorization: Key {}\r\n", house.key);
    connection.write_all(format!("{head}Content-Length: 2\r\n\r\n{{}}").as_bytes()).await.unwrap();
    house.runner.arrival("/wait").await;
    drop(connection);
    house.runner.arrival("/wait/cancel").await;
}

#[tokio::test]
async fn a_caller_that_leaves_a_stream_cancels_it() {
    let house = house().await;
    let request = house.request(Method::POST, "/tintype/noop/stream").body("{}".into()).unwrap();
    let mut answer = house.open(request).await;
    answer.frame().await.unwrap().unwrap();
    drop(answer);
    house.runner.arrival("/stream/cancel").await;
}

#[tokio::test]
async fn a_start_deadline_that_passes_is_a_504_of_the_user() {
    let house = house().await;
    let waiting = house.submit("tintype/noop/wait", json!({})).await;
    house.runner.arrival("/wait").await;
    let late = house.with(Method::POST, "/tintype/noop", &[("x-fal-request-timeout", "0.2")], "{}").await;
    assert_eq!((late.status, late.header("x-fal-request-timeout-type")), (504, "user"));
    assert_eq!(late.json()["error_type"], "request_timeout");
    house.runner.gate.add_permits(1);
    house.completed("tintype/noop", &waiting).await;
}

#[tokio::test]
async fn a_declared_oversize_is_refused_before_it_is_sent() {
    let house = house().await;
    let mut connection = house.connect().await;
    let head = format!("POST /tintype/noop HTTP/1.1\r\nHost: x\r\nAuthorization: Key {}\r\n", house.key);
    connection.write_all(format!("{head}Content-Length: 99999999999\r\n\r\n").as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    connection.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 413");
}
