//! Deployed apps: who may call them, what they take, where they are listed, and what their deployers speak with.

use axum::{Extension, Json, Router, extract::Path, routing::get};
use http::Method;
use serde_json::{Value, json};
use tintype_catalog::Deployed;
use tintype_domain::{AccountId, Timestamp};
use tintype_store::AuthMode;
use tintype_wire::bases::Bases;

use crate::house::{DEPLOYED, House, house};

/// Stands for the deployment API: tells what reached it.
pub fn router() -> Router {
    let bases = |Extension(bases): Extension<Bases>| async move {
        Json(json!({"own": bases.own, "run": bases.run, "queue": bases.queue, "ws": bases.ws}))
    };
    let path = |Path(path): Path<String>| async move { path };
    Router::new().route("/users/current", get(bases)).route("/files/list/{*path}", get(path))
}

fn publish(house: &House, auth_mode: AuthMode, private_logs: bool) {
    let openapi = json!({
        "openapi": "3.1.0",
        "paths": {"/": {"post": {"summary": "Draw", "requestBody": {"content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Input"},
        }}}}}, "/wait": {"post": {}}, "/health": {"get": {}}},
        "x-fal-order-paths": ["/", "/wait"],
        "components": {"schemas": {"Input": {"maximum": 4.0}}},
    });
    let deployed = Deployed {
        owner: AccountId::new("ann"),
        auth_mode,
        openapi: Some(openapi),
        private_logs,
        created_at: Timestamp::EPOCH,
    };
    house.gateway.catalog.publish(DEPLOYED.parse().unwrap(), deployed);
}

/// Statuses of a direct call, of a submit, and of a WebSocket on both surfaces that have one.
async fn statuses(house: &House, key: &str) -> [u16; 4] {
    let headers = [("authorization", key)];
    let run = house.with(Method::POST, &format!("/{DEPLOYED}"), &headers, "{}").await.status;
    let queue = house.with(Method::POST, &format!("/queue/{DEPLOYED}"), &headers, "{}").await.status;
    let upgrade = [
        ("authorization", key),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let socket = house.with(Method::GET, &format!("/{DEPLOYED}/realtime"), &upgrade, "").await.status;
    let over = house.with(Method::GET, &format!("/ws/{DEPLOYED}"), &upgrade, "").await.status;
    [run, queue, socket, over]
}

#[tokio::test]
async fn an_app_opens_to_those_whom_its_mode_names_on_every_surface() {
    let house = house().await;
    let (ann, bob) = (format!("Key {}", house.key_of("ann").await), format!("Key {}", house.key_of("bob").await));
    for (mode, strangers, nobody) in [
        (AuthMode::Private, [403; 4], [401; 4]),
        (AuthMode::Shared, [200; 4], [401; 4]),
        (AuthMode::Public, [200; 4], [200; 4]),
    ] {
        publish(&house, mode, false);
        let good = |statuses: [u16; 4]| statuses.map(|status| if status == 101 { 200 } else { status });
        assert_eq!(good(statuses(&house, &ann).await), [200; 4], "{mode:?}");
        assert_eq!(good(statuses(&house, &bob).await), strangers, "{mode:?}");
        assert_eq!(good(statuses(&house, "").await), nobody, "{mode:?}");
    }
}

#[tokio::test]
async fn an_app_that_nobody_published_is_not_served() {
    let house = house().await;
    let key = format!("Key {}", house.key_of("ann").await);
    assert_eq!(statuses(&house, &key).await, [404; 4]);
    publish(&house, AuthMode::Public, false);
    house.gateway.catalog.withdraw(&DEPLOYED.parse().unwrap());
    assert_eq!(house.with(Method::POST, &format!("/{DEPLOYED}"), &[("authorization", "")], "{}").await.status, 401);
}

#[tokio::test]
async fn a_public_app_is_followed_through_the_queue_without_a_key() {
    let house = house().await;
    publish(&house, AuthMode::Public, false);
    let keyless = [("authorization", "")];
    let submitted = house.with(Method::POST, &format!("/queue/{DEPLOYED}"), &keyless, "{\"a\":1}").await.json();
    let id = submitted["request_id"].as_str().unwrap().to_owned();
    let stream = format!("/queue/{DEPLOYED}/requests/{id}/status/stream");
    assert_eq!(house.with(Method::GET, &stream, &keyless, "").await.events().pop().unwrap()["status"], "COMPLETED");
    let result = house.with(Method::GET, &format!("/queue/{DEPLOYED}/requests/{id}"), &keyless, "").await;
    assert_eq!((result.status, &result.json()["input"]), (200, &json!({"a": 1})));
    // What a key's holder asked is not everyone's to read.
    let own = house.submit(DEPLOYED, json!({})).await;
    let asked = house.with(Method::GET, &format!("/queue/{DEPLOYED}/requests/{own}/status"), &keyless, "").await;
    assert_eq!(asked.status, 404);
}

#[tokio::test]
async fn a_deployed_app_gets_what_is_not_json_as_it_is() {
    let house = house().await;
    publish(&house, AuthMode::Public, false);
    for (kind, body, arrives) in [
        ("multipart/form-data; boundary=x", "--x--", "multipart/form-data; boundary=x"),
        ("application/x-www-form-urlencoded", "a=1&b=2", "application/x-www-form-urlencoded"),
        ("application/x-www-form-urlencoded", "{\"a\":1}", "application/json"),
        ("application/json", "{}", "application/json"),
    ] {
        let answer = house.with(Method::POST, &format!("/{DEPLOYED}"), &[("content-type", kind)], body).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text);
        assert_eq!(house.runner.seen().pop().unwrap().headers["content-type"], arrives);
    }
    let broken = house.with(Method::POST, &format!("/{DEPLOYED}"), &[("content-type", "application/json")], "{").await;
    assert_eq!(broken.status, 422);
    let model = house.with(Method::POST, "/tintype/noop", &[("content-type", "text/csv")], "a,b").await;
    assert_eq!(model.status, 415);
}

fn ids(answer: &Value) -> Vec<&str> {
    let models = answer["models"].as_array().unwrap().iter();
    models.map(|model| model["endpoint_id"].as_str().unwrap()).filter(|id| id.starts_with(DEPLOYED)).collect()
}

#[tokio::test]
async fn an_app_is_listed_with_its_schema_for_those_who_may_call_it() {
    let house = house().await;
    publish(&house, AuthMode::Private, false);
    let keyless = [("authorization", "")];
    assert!(ids(&house.with(Method::GET, "/v1/models?q=ann/app", &keyless, "").await.json()).is_empty());
    let ann = format!("Key {}", house.key_of("ann").await);
    let own =
        house.with(Method::GET, "/v1/models?q=ann/app&expand=openapi-3.0", &[("authorization", &ann)], "").await.json();
    assert_eq!(ids(&own), ["ann/app", "ann/app/wait"]);
    let entry = own["models"].as_array().unwrap().iter().find(|model| model["endpoint_id"] == DEPLOYED).unwrap();
    assert_eq!(entry["metadata"]["display_name"], "Draw");
    assert_eq!(entry["metadata"]["playground_url"], "http://localhost:8700/playground/ann/app");
    let input = "/paths/~1ann~1app/post/requestBody/content/application~1json/schema/$ref";
    assert_eq!(entry["openapi"].pointer(input).unwrap(), "#/components/schemas/Input");
    assert_eq!(entry["openapi"]["components"]["schemas"]["Input"].to_string(), r#"{"maximum":4}"#);
    publish(&house, AuthMode::Public, false);
    assert_eq!(ids(&house.with(Method::GET, "/v1/models?q=ann/app", &keyless, "").await.json()).len(), 2);
    let near = house.with(Method::POST, "/ann/ap", &[], "{}").await;
    assert!(near.text.contains("did you mean `ann/app`"), "{}", near.text);
}

#[tokio::test]
async fn the_playground_is_a_page_that_needs_no_key_and_tells_nothing() {
    let house = house().await;
    publish(&house, AuthMode::Public, false);
    let keyless = [("authorization", "")];
    let page = house.with(Method::GET, "/playground/ann/app/wait", &keyless, "").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'none'") && !page.text.contains("ann/app"));
    // What is private looks like what is not there, but for the key that may be typed.
    publish(&house, AuthMode::Private, false);
    let private = house.with(Method::GET, "/playground/ann/app", &keyless, "").await;
    let absent = house.with(Method::GET, "/playground/ann/apq", &keyless, "").await;
    assert_eq!((private.status, private.text), (404, absent.text));
    assert_eq!(house.get("/playground/ann").await.status, 404);
    assert_eq!(house.post("/playground/ann/app", json!({})).await.status, 405);
}

#[tokio::test]
async fn the_playground_of_a_mistyped_name_leads_to_those_near_it() {
    let house = house().await;
    let page = house.with(Method::GET, "/playground/tintype/skecth", &[("authorization", "")], "").await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("Did you mean <a href=\"/playground/tintype/sketch\">"), "{}", page.text);
    let hostile = house.with(Method::GET, "/playground/a/%3Cscript%3Ehere", &[("authorization", "")], "").await;
    assert!(hostile.status == 404 && !hostile.text.contains("<script>here"), "{}", hostile.text);
}

#[tokio::test]
async fn a_call_of_an_app_is_shown_with_an_input_that_it_takes() {
    let house = house().await;
    let schema =
        json!({"required": ["prompt"], "properties": {"prompt": {"type": "string", "examples": ["it's red"]}}});
    let body = json!({"content": {"application/json": {"schema": schema}}});
    let deployed = Deployed {
        owner: AccountId::new("ann"),
        auth_mode: AuthMode::Public,
        openapi: Some(json!({"paths": {"/": {"post": {"requestBody": body}}}})),
        private_logs: false,
        created_at: Timestamp::EPOCH,
    };
    house.gateway.catalog.publish(DEPLOYED.parse().unwrap(), deployed);
    let listed = house.get("/v1/models?q=ann/app").await.json();
    let expected =
        r#"curl http://localhost:8700/ann/app -H 'Content-Type: application/json' -d '{"prompt":"it'\''s red"}'"#;
    assert_eq!(listed["models"][0]["metadata"]["curl"], expected);
}

#[tokio::test]
async fn the_deployment_api_hears_what_addresses_begin_with() {
    let house = house().await;
    let own = house.get("/users/current").await.json();
    assert_eq!(own["run"], "http://localhost:8700");
    assert_eq!((&own["queue"], &own["ws"]), (&json!("http://localhost:8700/queue"), &json!("ws://localhost:8700/ws")));
    let host = [("host", "rest.example.net"), ("x-forwarded-proto", "https")];
    let named = house.with(Method::GET, "/users/current", &host, "").await.json();
    assert_eq!((&named["run"], &named["queue"]), (&json!("https://example.net"), &json!("https://queue.example.net")));
}

#[tokio::test]
async fn a_double_slash_reaches_the_files_of_an_account() {
    let house = house().await;
    assert_eq!(house.get("/files/list//data/a%20b").await.text, "/data/a b");
    assert_eq!(house.get("/files/list//data/").await.text, "/data");
}

#[tokio::test]
async fn a_hostile_document_neither_ends_the_gallery_nor_speaks_in_its_name() {
    let house = house().await;
    let itself = json!({"type": "array", "items": {"allOf": [{"allOf": [{"$ref": "#/components/schemas/A"}]}]}});
    let openapi = json!({
        "paths": {
            "/": {"post": {"summary": "Draw\n\n## Lies", "description": "It\r\n## Lies", "requestBody": {"content": {
                "application/json": {"schema": {"properties": {"a\n## Lies": itself}}},
            }}}},
            "/a\n## Lies": {"post": {}},
        },
        "components": {"schemas": {"A": itself}},
    });
    let deployed = Deployed {
        owner: AccountId::new("ann"),
        auth_mode: AuthMode::Public,
        openapi: Some(openapi),
        private_logs: false,
        created_at: Timestamp::EPOCH,
    };
    house.gateway.catalog.publish(DEPLOYED.parse().unwrap(), deployed);
    for url in ["/llms.txt".to_owned(), format!("/models/{DEPLOYED}/llms.txt")] {
        let answer = house.get(&url).await;
        assert!(answer.status == 200 && answer.text.contains("Draw  ## Lies"), "{}", answer.text);
        assert!(!answer.text.lines().any(|line| line.starts_with("## Lies")), "{}", answer.text);
    }
    assert_eq!(house.get(&format!("/models/{DEPLOYED}")).await.status, 200);
}
