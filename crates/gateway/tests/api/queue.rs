//! The queue.

use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::house::{House, house, house_with};

async fn status(house: &House, id: &str) -> (u16, Value) {
    let answer = house.get(&format!("/queue/tintype/noop/requests/{id}/status")).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_request_is_submitted_completes_and_its_result_can_be_read_twice() {
    let house = house().await;
    let submitted = house.post("/queue/tintype/noop/sub", json!({"seed": 3})).await;
    let id = submitted.json()["request_id"].as_str().unwrap().to_owned();
    assert_eq!((submitted.status, submitted.header("x-fal-request-id")), (200, id.as_str()));
    assert_eq!(submitted.json()["response_url"], format!("http://localhost:8700/queue/tintype/noop/requests/{id}"));
    let last = house.completed("tintype/noop", &id).await;
    assert_eq!((&last["status"], &last["outcome"]), (&json!("COMPLETED"), &json!("succeeded")));
    assert!(last["metrics"]["inference_time"].is_number());
    for form in ["", "/", "/response", "/response/"] {
        let result = house.get(&format!("/queue/tintype/noop/sub/requests/{id}{form}")).await;
        assert_eq!((result.status, result.header("x-fal-request-id")), (200, id.as_str()));
        assert_eq!(result.json()["input"], json!({"seed": 3}));
        assert_eq!(result.json()["path"], "/sub");
    }
}

#[tokio::test]
async fn addresses_are_those_that_the_caller_would_build() {
    let house = house().await;
    for (host, path, base) in [
        ("queue.fal.run", "/tintype/noop/sub", "http://queue.fal.run"),
        ("queue.localhost:8443", "/tintype/noop", "http://queue.localhost:8443"),
        ("localhost:8443", "/queue/tintype/noop", "http://localhost:8443/queue"),
    ] {
        let answer = house.with(Method::POST, path, &[("host", host)], "{}").await.json();
        let id = answer["request_id"].as_str().unwrap();
        assert_eq!(answer["status_url"], format!("{base}/tintype/noop/requests/{id}/status"), "{host}");
        assert_eq!(answer["cancel_url"], format!("{base}/tintype/noop/requests/{id}/cancel"), "{host}");
    }
}

#[tokio::test]
async fn a_configured_public_address_wins_on_own_names_only() {
    let house = house_with(|options, _| options.public_url = Some("https://fal.example.com/".parse().unwrap())).await;
    let own = house.post("/queue/tintype/noop", json!({})).await.json();
    assert!(own["status_url"].as_str().unwrap().starts_with("https://fal.example.com/queue/tintype/noop/"));
    let hosted = house.with(Method::POST, "/tintype/noop", &[("host", "queue.fal.run")], "{}").await.json();
    assert!(hosted["status_url"].as_str().unwrap().starts_with("http://queue.fal.run/tintype/noop/"));
}

#[tokio::test]
async fn a_request_to_an_alias_is_followed_under_the_alias() {
    let house = house().await;
    let submitted = house.post("/queue/fal-ai/flux/dev", json!({"prompt": "x"})).await.json();
    let id = submitted["request_id"].as_str().unwrap();
    assert!(submitted["status_url"].as_str().unwrap().ends_with(&format!("/fal-ai/flux/requests/{id}/status")));
    assert_eq!(house.completed("fal-ai/flux", id).await["status"], "COMPLETED");
    assert_eq!(house.get(&format!("/queue/fal-ai/flux/requests/{id}")).await.status, 200);
    assert_eq!(house.get(&format!("/queue/fal-ai/other/requests/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_waiting_request_says_why_and_can_be_removed() {
    let house = house().await;
    let first = house.submit("tintype/noop/wait", json!({})).await;
    house.runner.arrival("/wait").await;
    let second = house.submit("tintype/noop", json!({})).await;
    let (code, body) = status(&house, &second).await;
    assert_eq!((code, &body["status"], &body["queue_position"]), (202, &json!("IN_QUEUE"), &json!(0)));
    assert_eq!((&body["waiting"]["cause"], &body["logs"]), (&json!("capacity"), &Value::Null));
    let cancel = format!("/queue/tintype/noop/requests/{second}/cancel");
    let answer = house.put(&cancel).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "OK"})));
    let again = house.put(&cancel).await;
    assert_eq!((again.status, &again.json()["status"]), (400, &json!("ALREADY_COMPLETED")));
    let result = house.get(&format!("/queue/tintype/noop/requests/{second}")).await;
    assert_eq!((result.status, &result.json()["error_type"]), (499, &json!("client_cancelled")));
    let early = house.get(&format!("/queue/tintype/noop/requests/{first}")).await;
    assert_eq!((early.status, early.header("x-fal-error-type")), (400, "request_in_progress"));
    let running = house.put(&format!("/queue/tintype/noop/requests/{first}/cancel")).await;
    assert_eq!((running.status, running.json()), (202, json!({"status": "CANCELLATION_REQUESTED"})));
    house.runner.arrival("/wait/cancel").await;
}

#[tokio::test]
async fn the_status_stream_tells_each_state_and_ends_with_the_request() {
    let house = house().await;
    let id = house.submit("tintype/noop/wait", json!({})).await;
    house.runner.arrival("/wait").await;
    let url = format!("/queue/tintype/noop/requests/{id}/status/stream?logs=1");
    let request = house.request(Method::GET, &url).body(axum::body::Body::empty()).unwrap();
    let mut stream = house.open(request).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut next = async || {
        let frame = stream.frame().await?.unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        Some(serde_json::from_str::<Value>(text.strip_prefix("data: ").unwrap().trim_end()).unwrap())
    };
    assert_eq!(next().await.unwrap()["status"], "IN_PROGRESS");
    house.runner.gate.add_permits(1);
    let mut last = next().await.unwrap();
    while last["status"] != "COMPLETED" {
        last = next().await.unwrap();
    }
    assert_eq!(next().await, None);
}

#[tokio::test]
async fn what_belongs_to_another_account_does_not_exist() {
    let house = house().await;
    let id = house.submit("tintype/noop", json!({})).await;
    let stranger = format!("Key {}", house.stranger().await);
    for (method, form) in
        [(Method::GET, "/status"), (Method::GET, "/status/stream"), (Method::GET, ""), (Method::PUT, "/cancel")]
    {
        let url = format!("/queue/tintype/noop/requests/{id}{form}");
        let answer = house.with(method, &url, &[("authorization", &stranger)], "").await;
        assert_eq!(answer.status, 404, "{url}");
        assert!(answer.json()["detail"].is_string());
    }
    assert_eq!(house.get(&format!("/queue/other/app/requests/{id}/status")).await.status, 404);
    assert_eq!(house.get("/queue/tintype/noop/requests/nonsense/status").await.status, 404);
}

#[tokio::test]
async fn the_same_idempotency_key_is_the_same_request() {
    let house = house().await;
    let key = [("idempotency-key", "order-17")];
    let first = house.with(Method::POST, "/queue/tintype/noop", &key, "{\"a\":1}").await.json();
    let again = house.with(Method::POST, "/queue/tintype/noop", &key, "{\"a\":1}").await.json();
    assert_eq!(first["request_id"], again["request_id"]);
    let other = house.with(Method::POST, "/queue/tintype/noop", &key, "{\"a\":2}").await;
    assert_eq!((other.status, other.header("x-fal-error-type")), (422, "idempotency_key_reused"));
    assert!(other.text.contains("Idempotency-Key"));
    let path = house.with(Method::POST, "/queue/tintype/noop/sub", &key, "{\"a\":1}").await;
    assert_eq!(path.status, 422, "the endpoint is part of the request");
}

#[tokio::test]
async fn a_full_queue_is_refused_with_429_and_nothing_is_kept() {
    let house = house().await;
    let first = house.submit("tintype/noop/wait", json!({})).await;
    house.runner.arrival("/wait").await;
    house.submit("tintype/noop", json!({})).await;
    house.submit("tintype/noop", json!({})).await;
    let refused = house.post("/queue/tintype/noop?fal_max_queue_length=1", json!({})).await;
    assert_eq!((refused.status, refused.header("x-fal-error-type")), (429, "queue_full"));
    let wrong = house.post("/queue/tintype/noop?fal_max_queue_length=many", json!({})).await;
    assert_eq!(wrong.status, 400);
    house.runner.gate.add_permits(1);
    house.completed("tintype/noop", &first).await;
}

#[tokio::test]
async fn payloads_that_are_not_to_be_kept_go_with_the_first_reading() {
    let house = house().await;
    let answer = house.with(Method::POST, "/queue/tintype/noop", &[("x-fal-store-io", "0")], "{\"secret\":1}").await;
    let id = answer.json()["request_id"].as_str().unwrap().to_owned();
    house.completed("tintype/noop", &id).await;
    let url = format!("/queue/tintype/noop/requests/{id}");
    assert_eq!(house.get(&url).await.json()["input"], json!({"secret": 1}));
    let gone = house.get(&url).await;
    assert_eq!((gone.status, gone.header("x-fal-error-type")), (404, "result_expired"));
    assert_eq!(status(&house, &id).await.0, 200);
}

#[tokio::test]
async fn a_queued_get_keeps_its_query_and_its_method() {
    let house = house().await;
    let submitted = house.get("/queue/tintype/noop/sub?prompt=x&fal_max_queue_length=9").await.json();
    let id = submitted["request_id"].as_str().unwrap();
    house.completed("tintype/noop", id).await;
    let result = house.get(&format!("/queue/tintype/noop/requests/{id}")).await.json();
    assert_eq!(result, json!({"method": "GET", "path": "/sub", "query": "prompt=x", "input": null}));
}

#[tokio::test]
async fn a_failed_request_is_completed_and_its_error_is_replayed() {
    let house = house().await;
    let body = json!({"detail": [{"loc": ["body"], "msg": "no", "type": "value_error"}]});
    let id = house.submit("tintype/noop/answer", json!({"status": 422, "body": body})).await;
    let last = house.completed("tintype/noop", &id).await;
    assert_eq!((&last["status"], &last["outcome"]), (&json!("COMPLETED"), &json!("failed")));
    assert!(last["error"].is_string());
    let result = house.get(&format!("/queue/tintype/noop/requests/{id}")).await;
    assert_eq!((result.status, result.json(), result.header("x-fal-billable-units")), (422, body, "0"));
}

#[tokio::test]
async fn a_webhook_that_is_no_address_is_refused_at_submit() {
    let house = house().await;
    let answer = house.post("/queue/tintype/noop?fal_webhook=example.com", json!({})).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("fal_webhook") && answer.text.contains("http"));
}

#[tokio::test]
async fn a_full_disk_refuses_new_work_and_keeps_the_old() {
    let house = house().await;
    let id = house.submit("tintype/noop", json!({})).await;
    house.completed("tintype/noop", &id).await;
    house.store.set_full(true);
    let refused = house.post("/queue/tintype/noop", json!({})).await;
    assert_eq!((refused.status, refused.header("x-fal-error-type")), (507, "storage_full"));
    assert!(refused.text.contains("space"));
    assert_eq!(house.get(&format!("/queue/tintype/noop/requests/{id}")).await.status, 200);
    house.store.set_full(false);
    house.submit("tintype/noop", json!({})).await;
}

#[tokio::test]
async fn wrong_methods_are_405_with_the_right_ones() {
    let house = house().await;
    let id = house.submit("tintype/noop", json!({})).await;
    let answer = house.post(&format!("/queue/tintype/noop/requests/{id}/status"), json!({})).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
    let answer = house.get(&format!("/queue/tintype/noop/requests/{id}/cancel")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "PUT"));
}
