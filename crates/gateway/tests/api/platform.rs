//! The platform API.

use http::Method;
use serde_json::json;

use crate::house::house;

#[tokio::test]
async fn models_are_listed_searched_and_described_without_a_key() {
    let house = house().await;
    let keyless = [("authorization", "")];
    let all = house.with(Method::GET, "/v1/models?q=tintype/sketch", &keyless, "").await.json();
    let ids: Vec<_> = all["models"].as_array().unwrap().iter().map(|model| model["endpoint_id"].clone()).collect();
    assert!(ids.contains(&json!("tintype/sketch")) && ids.contains(&json!("tintype/sketch/inpaint")));
    let found = house.get("/v1/models?q=sketch+inpaint&expand=openapi-3.0").await.json();
    assert_eq!(found["models"][0]["endpoint_id"], "tintype/sketch/inpaint");
    let schemas = &found["models"][0]["openapi"]["components"]["schemas"];
    assert_eq!(schemas["SketchInpaintInput"]["required"], json!(["prompt", "image_url", "mask_url"]));
    let page = house.get("/v1/models?limit=1").await.json();
    assert_eq!((&page["has_more"], page["models"].as_array().unwrap().len()), (&json!(true), 1));
    let next = house.get(&format!("/v1/models?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await.json();
    assert_ne!(next["models"][0]["endpoint_id"], page["models"][0]["endpoint_id"]);
    assert_eq!(house.with(Method::GET, "/v1/models", &[("host", "api.fal.ai")], "").await.status, 200);
    let wrong = house.get("/v1/models?limit=many").await;
    assert_eq!((wrong.status, &wrong.json()["error"]["type"]), (400, &json!("validation_error")));
}

#[tokio::test]
async fn requests_are_listed_shown_and_cancelled() {
    let house = house().await;
    let first = house.submit("tintype/noop/wait", json!({})).await;
    house.runner.arrival("/wait").await;
    let second = house.submit("tintype/noop", json!({})).await;
    let list = house.get("/v1/requests?open=true&limit=10").await.json();
    let ids: Vec<_> =
        list["requests"].as_array().unwrap().iter().map(|one| one["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [second.as_str(), first.as_str()]);
    let shown = house.get(&format!("/v1/requests/{second}")).await.json();
    assert_eq!((&shown["status"], &shown["waiting"]["cause"]), (&json!("IN_QUEUE"), &json!("capacity")));
    let cancelled = house.post(&format!("/v1/requests/{second}/cancel"), json!({})).await;
    assert_eq!((cancelled.status, cancelled.json()), (200, json!({"status": "OK"})));
    let stranger = format!("Key {}", house.stranger().await);
    let as_stranger = [("authorization", stranger.as_str())];
    assert_eq!(house.with(Method::GET, &format!("/v1/requests/{first}"), &as_stranger, "").await.status, 404);
    let empty = house.with(Method::GET, "/v1/requests", &as_stranger, "").await.json();
    assert_eq!(empty["requests"], json!([]));
    house.runner.gate.add_permits(1);
    house.completed("tintype/noop", &first).await;
}

#[tokio::test]
async fn events_come_in_order_and_resume_behind_a_cursor() {
    let house = house().await;
    let id = house.submit("tintype/noop", json!({})).await;
    house.completed("tintype/noop", &id).await;
    let feed = house.get("/v1/events").await.json();
    let kinds: Vec<_> = feed["events"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["submitted", "started", "finished"]);
    let cursor = &feed["events"][1]["cursor"];
    let rest = house.get(&format!("/v1/events?after={cursor}")).await.json();
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);
    assert_eq!(rest["events"][0]["outcome"], "succeeded");
    let end = house.get(&format!("/v1/events?after={}", feed["cursor"])).await.json();
    assert_eq!((&end["events"], &end["cursor"]), (&json!([]), &feed["cursor"]));
}

#[tokio::test]
async fn keys_are_made_shown_once_used_and_revoked() {
    let house = house().await;
    let made = house.post("/v1/keys", json!({"alias": "ci", "scope": "API"})).await;
    assert_eq!(made.status, 201);
    let key = format!("Key {}", made.json()["key"].as_str().unwrap());
    let as_new = [("authorization", key.as_str())];
    assert_eq!(house.with(Method::POST, "/tintype/noop", &as_new, "{}").await.status, 200);
    let refused = house.with(Method::GET, "/v1/keys", &as_new, "").await;
    assert_eq!((refused.status, &refused.json()["error"]["type"]), (403, &json!("authorization_error")));
    let list = house.get("/v1/keys").await;
    assert!(list.text.contains("\"ci\"") && !list.text.contains("secret"));
    let url = format!("/v1/keys/{}", made.json()["key_id"].as_str().unwrap());
    assert_eq!(house.with(Method::DELETE, &url, &[], "").await.status, 204);
    assert_eq!(house.with(Method::POST, "/tintype/noop", &as_new, "{}").await.status, 401);
    assert_eq!(house.with(Method::DELETE, &url, &[], "").await.status, 404);
    for wrong in
        [json!({}), json!({"alias": ""}), json!({"alias": "x", "scope": "ROOT"}), json!({"alias": "x", "colour": 1})]
    {
        assert_eq!(house.post("/v1/keys", wrong.clone()).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn the_last_admin_key_is_not_revoked_and_the_answer_says_what_to_do_first() {
    let house = house().await;
    let url = format!("/v1/keys/{}", house.key.split(':').next().unwrap());
    let refused = house.with(Method::DELETE, &url, &[], "").await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (409, &json!("last_admin_key")), "{}", refused.text);
    assert!(refused.text.contains("make another first"), "{}", refused.text);
    assert_eq!(house.post("/v1/keys", json!({"alias": "next", "scope": "ADMIN"})).await.status, 201);
    assert_eq!(house.with(Method::DELETE, &url, &[], "").await.status, 204);
}

#[tokio::test]
async fn runners_are_shown_to_operators() {
    let house = house().await;
    house.post("/tintype/noop", json!({})).await;
    let runners = house.get("/v1/runners").await.json();
    assert_eq!(runners["runners"][0]["app"], "tintype/noop");
}
