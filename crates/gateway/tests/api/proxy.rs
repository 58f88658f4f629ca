//! The proxy route for browsers.

use http::Method;
use serde_json::json;

use crate::house::{Answer, House, house, house_with};

async fn through(house: &House, method: Method, target: &str, body: &str) -> Answer {
    house.with(method, "/api/fal/proxy", &[("x-fal-target-url", target)], body).await
}

#[tokio::test]
async fn run_queue_and_rest_are_told_apart_by_the_host_of_the_target() {
    let house = house().await;
    let run = through(&house, Method::POST, "https://fal.run/tintype/noop/sub?x=1", "{\"a\":1}").await;
    assert_eq!(
        (&run.json()["path"], &run.json()["query"], &run.json()["input"]),
        (&json!("/sub"), &json!("x=1"), &json!({"a": 1}))
    );
    let submitted = through(&house, Method::POST, "https://queue.fal.run/tintype/noop", "{}").await.json();
    let id = submitted["request_id"].as_str().unwrap();
    assert_eq!(submitted["status_url"], format!("http://localhost:8700/queue/tintype/noop/requests/{id}/status"));
    house.completed("tintype/noop", id).await;
    let status = format!("https://queue.fal.run/tintype/noop/requests/{id}/status?logs=1");
    assert_eq!(through(&house, Method::GET, &status, "").await.status, 200);
    let token = through(&house, Method::POST, "https://rest.fal.ai/tokens/", "{\"allowed_apps\":[\"noop\"]}").await;
    assert!(token.json().is_string());
    assert_eq!(through(&house, Method::POST, "http://localhost:8700/tintype/noop", "{}").await.status, 200);
}

#[tokio::test]
async fn other_targets_methods_and_loops_are_refused() {
    let house = house().await;
    for target in [
        "https://example.com/x",
        "http://169.254.169.254/latest",
        "nonsense",
        "file:///etc",
        "http://localhost:8700/api/fal/proxy",
    ] {
        assert_eq!(through(&house, Method::POST, target, "{}").await.status, 400, "{target}");
    }
    let missing = house.post("/api/fal/proxy", json!({})).await;
    assert!(missing.status == 400 && missing.text.contains("x-fal-target-url"));
    assert_eq!(through(&house, Method::PATCH, "https://fal.run/tintype/noop", "{}").await.status, 405);
}

#[tokio::test]
async fn the_target_header_means_nothing_elsewhere_and_reaches_no_runner() {
    let house = house().await;
    let target = [("x-fal-target-url", "https://queue.fal.run/other/app")];
    assert_eq!(house.with(Method::POST, "/tintype/noop", &target, "{}").await.status, 200);
    assert!(!house.runner.seen()[0].headers.contains_key("x-fal-target-url"));
}

#[tokio::test]
async fn a_call_without_a_key_is_refused_unless_the_operator_lends_one() {
    let house = house().await;
    let keyless = [("x-fal-target-url", "https://fal.run/tintype/noop"), ("authorization", "Key undefined")];
    assert_eq!(house.with(Method::POST, "/api/fal/proxy", &keyless, "{}").await.status, 401);
    let lending = house_with(|options, _| options.proxy_key = Some("lent:key".into())).await;
    let mut request = lending.request(Method::POST, "/api/fal/proxy").body("{}".into()).unwrap();
    request.headers_mut().remove("authorization");
    request.headers_mut().insert("x-fal-target-url", "https://fal.run/tintype/noop".parse().unwrap());
    let answer = lending.send(request).await;
    assert!(answer.text.contains("not known"), "the lent key is what is proved: {}", answer.text);
}
