//! What every answer has in common, health, and tokens.

use http::Method;
use serde_json::json;

use crate::house::house;

#[tokio::test]
async fn health_ready_and_home_need_no_key() {
    let house = house().await;
    for (url, word) in [("/health", "ok"), ("/health/", "ok"), ("/ready", "ready")] {
        let answer = house.with(Method::GET, url, &[("authorization", "")], "").await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(word)), "{url}");
    }
    let home = house.get("/").await;
    assert_eq!((&home.json()["name"], home.header("vary")), (&json!("tintype"), "accept"));
    house.gateway.stop.cancel();
    assert_eq!(house.get("/ready").await.status, 503);
    assert_eq!(house.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_browser_at_the_root_is_told_where_to_begin() {
    let house = house().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("authorization", "")];
    let page = house.with(Method::GET, "/", &browser, "").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    for words in
        ["href=\"/models\"", "href=\"/playground/tintype/", "tintype keys create", "href=\"/llms.txt\"", "/favicon.svg"]
    {
        assert!(page.text.contains(words), "{words} is not in {}", page.text);
    }
    for url in ["/favicon.svg", "/favicon.ico"] {
        let icon = house.with(Method::GET, url, &[("authorization", "")], "").await;
        assert_eq!((icon.status, icon.header("content-type")), (200, "image/svg+xml"), "{url}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_everywhere_with_the_headers_that_were_asked_for() {
    let house = house().await;
    for url in ["/tintype/noop", "/queue/tintype/noop", "/tokens/", "/files/upload", "/api/fal/proxy", "/v1/models"] {
        let asked = [
            ("origin", "https://page.example"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "authorization,x-fal-queue-priority"),
        ];
        let answer = house.with(Method::OPTIONS, url, &asked, "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "*"), "{url}");
        assert_eq!(answer.header("access-control-allow-headers"), "authorization,x-fal-queue-priority");
        assert!(answer.header("access-control-allow-methods").contains("PUT"));
        assert!(!answer.header("x-fal-request-id").is_empty());
    }
}

#[tokio::test]
async fn an_answer_exposes_the_headers_that_scripts_may_read() {
    let house = house().await;
    let answer = house.with(Method::POST, "/tintype/noop", &[("origin", "https://page.example")], "{}").await;
    let exposed = answer.header("access-control-expose-headers");
    for name in ["x-fal-request-id", "x-fal-error-type", "x-fal-request-timeout-type", "x-fal-runner-hints", "etag"] {
        assert!(exposed.contains(name), "{name}");
    }
}

#[tokio::test]
async fn a_token_is_a_bare_string_or_an_object_by_route() {
    let house = house().await;
    let bare = house.post("/tokens/", json!({"allowed_apps": ["noop"], "token_expiration": 120})).await;
    assert!(bare.status == 201 && bare.json().is_string(), "{}", bare.text);
    let object = house.post("/rest/tokens/realtime", json!({"app": "tintype/noop", "duration": 60})).await;
    assert!(object.json()["token"].is_string());
    let hosted = [("host", "rest.alpha.fal.ai")];
    assert_eq!(house.with(Method::POST, "/tokens/", &hosted, "{\"allowed_apps\":[\"noop\"]}").await.status, 201);
    let wrong = house.post("/tokens/", json!({"allowed_apps": []})).await;
    assert_eq!((wrong.status, &wrong.json()["detail"][0]["loc"][1]), (422, &json!("allowed_apps")));
}

#[tokio::test]
async fn a_token_opens_a_stream_of_its_app_and_of_no_other() {
    let house = house().await;
    house.runner.gate.add_permits(9);
    let token = house.post("/tokens/", json!({"allowed_apps": ["noop"]})).await.json();
    let token = token.as_str().unwrap();
    let without_key = [("authorization", "")];
    let own = format!("/tintype/noop/stream?fal_jwt_token={token}");
    let answer = house.with(Method::POST, &own, &without_key, "{}").await;
    assert_eq!((answer.status, answer.events().len()), (200, 2));
    let other = format!("/tintype/sketch/stream?fal_jwt_token={token}");
    assert_eq!(house.with(Method::POST, &other, &without_key, "{}").await.status, 403);
    let altered = format!("/tintype/noop/stream?fal_jwt_token={token}x");
    assert_eq!(house.with(Method::POST, &altered, &without_key, "{}").await.status, 401);
}
