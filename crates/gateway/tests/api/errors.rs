//! What mistaken and hostile callers get: the fal shape, and words that help.

use http::Method;
use serde_json::json;

use crate::house::{Answer, House, house, house_with};

/// Every error has a JSON object with `detail`, the code twice, and the id of the request.
fn explained(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.header("x-fal-error-type")), (status, code), "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json()["error_type"], code);
    assert!(!answer.json()["detail"].is_null() && !answer.header("x-fal-request-id").is_empty());
}

async fn raw(house: &House, headers: &[(&str, &str)], body: &str) -> Answer {
    house.with(Method::POST, "/tintype/noop", headers, body).await
}

#[tokio::test]
async fn an_unknown_endpoint_is_404_with_the_nearest_names() {
    let house = house().await;
    for url in ["/tintype/skecth", "/queue/tintype/skecth", "/run/tintype/skecth"] {
        let answer = house.post(url, json!({})).await;
        explained(&answer, 404, "endpoint_not_found");
        assert!(answer.text.contains("tintype/sketch"), "{}", answer.text);
    }
    for url in ["/nothing", "/a/b%2fc", "/x/%2e%2e/y"] {
        explained(&house.post(url, json!({})).await, 404, "endpoint_not_found");
    }
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_401_and_says_what_to_do() {
    let house = house().await;
    for credential in ["Key", "Key ", "Key nonsense", "Key test:wrong", "Bearer x", "Basic dGVzdDpz", "Key undefined"] {
        for url in ["/tintype/noop", "/queue/tintype/noop", "/tokens/", "/v1/requests"] {
            let answer = house.with(Method::POST, url, &[("authorization", credential)], "{}").await;
            if url.starts_with("/v1") {
                continue;
            }
            explained(&answer, 401, "unauthorized");
            assert!(answer.text.to_lowercase().contains("key"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn malformed_json_is_refused_with_its_place() {
    let house = house().await;
    for body in ["{", "{\"a\": }", "nonsense", "{} {}"] {
        for url in ["/tintype/noop", "/queue/tintype/noop"] {
            let answer = house.with(Method::POST, url, &[], body).await;
            explained(&answer, 422, "invalid_body");
            let detail = &answer.json()["detail"][0];
            assert_eq!((&detail["type"], &detail["loc"][0]), (&json!("json_invalid"), &json!("body")), "{body}");
            assert!(detail["loc"][1].is_number());
        }
    }
    assert!(house.runner.seen().is_empty());
}

#[tokio::test]
async fn deep_json_is_refused_and_names_the_limit() {
    let house = house().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for url in ["/tintype/noop", "/queue/tintype/noop", "/tokens/", "/v1/keys"] {
        let answer = house.with(Method::POST, url, &[], &deep).await;
        assert_eq!((answer.status, answer.header("x-fal-error-type")), (422, "invalid_body"), "{url}");
        assert!(answer.text.contains("128"), "{url}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_wrong_content_type_is_refused_by_name_and_json_in_a_form_is_not() {
    let house = house().await;
    for kind in ["text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer = raw(&house, &[("content-type", kind)], "a=b").await;
        explained(&answer, 415, "unsupported_media_type");
        assert!(answer.text.contains(kind.split(';').next().unwrap()) && answer.text.contains("application/json"));
        assert_eq!(raw(&house, &[("content-type", kind)], "{\"a\":1}").await.status, 200);
    }
    assert_eq!(house.runner.seen()[0].headers["content-type"], "application/json");
}

#[tokio::test]
async fn cut_off_json_is_named_whatever_type_curl_declares() {
    let house = house().await;
    for kind in ["application/x-www-form-urlencoded", "text/plain"] {
        for url in ["/tintype/noop", "/queue/tintype/noop"] {
            let answer = house.with(Method::POST, url, &[("content-type", kind)], " {\"a\":").await;
            explained(&answer, 422, "invalid_body");
            assert!(answer.text.contains("EOF") && answer.text.contains("json_invalid"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_packed_body_is_refused_by_the_name_of_its_encoding() {
    let house = house().await;
    for encoding in ["gzip", "br", "identity, zstd"] {
        for url in ["/tintype/noop", "/queue/tintype/noop", "/tokens/"] {
            let answer = house.with(Method::POST, url, &[("content-encoding", encoding)], "{}").await;
            explained(&answer, 415, "unsupported_media_type");
            assert!(answer.text.contains(&format!("`{encoding}`")), "{}", answer.text);
            assert_eq!(answer.header("accept-encoding"), "identity");
        }
    }
    let platform = house.with(Method::POST, "/v1/keys", &[("content-encoding", "gzip")], "{}").await;
    assert_eq!((platform.status, &platform.json()["error"]["code"]), (415, &json!("unsupported_media_type")));
    assert!(house.runner.seen().is_empty());
    assert_eq!(raw(&house, &[("content-encoding", "Identity")], "{}").await.status, 200);
}

#[tokio::test]
async fn half_of_a_surrogate_pair_is_refused_at_submit_as_at_run() {
    let house = house().await;
    for url in ["/tintype/noop", "/queue/tintype/noop"] {
        let answer = house.with(Method::POST, url, &[], r#"{"a":"\ud800"}"#).await;
        explained(&answer, 422, "invalid_body");
        assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", 6]), "{}", answer.text);
        assert!(answer.text.contains("surrogate"), "{}", answer.text);
    }
    assert!(house.runner.seen().is_empty());
}

#[tokio::test]
async fn an_oversized_body_is_413_and_names_the_limit() {
    let house = house_with(|options, _| options.max_body_bytes = 100).await;
    for url in ["/tintype/noop", "/queue/tintype/noop"] {
        let body = json!({"a": "x".repeat(200)}).to_string();
        let answer = house.with(Method::POST, url, &[], &body).await;
        explained(&answer, 413, "body_too_large");
        assert!(answer.text.contains("100 bytes"));
    }
}

#[tokio::test]
async fn malformed_headers_are_400_and_name_themselves() {
    let house = house().await;
    for (name, value) in [
        ("x-fal-request-timeout", "soon"),
        ("x-fal-request-timeout", ""),
        ("x-fal-request-start-timeout", "nan"),
        ("x-fal-queue-priority", "urgent"),
        ("idempotency-key", ""),
    ] {
        for url in ["/tintype/noop", "/queue/tintype/noop"] {
            let answer = house.with(Method::POST, url, &[(name, value)], "{}").await;
            explained(&answer, 400, "bad_request");
            assert!(answer.text.contains(name), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_a_router_refuses_by_itself_has_the_shape_of_every_error() {
    let house = house().await;
    let method = house.get("/tokens/").await;
    explained(&method, 405, "method_not_allowed");
    assert_eq!(method.header("allow"), "POST");
    for url in ["/files/b/abc/x.png", "/cdn/files/b/abc/x.png", "http://v3.fal.media/files/b/abc/x.png"] {
        let method = house.post(url, json!({})).await;
        explained(&method, 405, "method_not_allowed");
        assert_eq!(method.header("allow"), "GET, HEAD", "{url}");
    }
    let query = house.get("/v1/requests?limit=many").await;
    assert_eq!((query.status, &query.json()["error"]["type"]), (400, &json!("validation_error")));
    assert!(query.text.contains("limit"), "{}", query.text);
    let method = house.with(Method::DELETE, "/v1/models", &[], "").await;
    assert_eq!((method.status, &method.json()["error"]["code"]), (405, &json!("method_not_allowed")));
    let large = house.with(Method::POST, "/tokens/", &[], &" ".repeat(3 << 20)).await;
    explained(&large, 413, "body_too_large");
    assert_eq!(house.get("/v1/nothing").await.json()["error"]["type"], "not_found");
}

#[tokio::test]
async fn what_is_served_nowhere_is_404_on_every_surface() {
    let house = house().await;
    for url in ["/v1/nothing", "/rest/nothing", "/cdn/nothing", "/tokens/nothing", "/storage/nothing"] {
        let answer = house.get(url).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, "application/json"), "{url}");
        assert!(answer.json()["detail"].is_string(), "{url}");
    }
}
