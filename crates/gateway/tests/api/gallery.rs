//! The gallery: pages, texts, schemas, prices, and models whose weights are not here.

use http::Method;
use serde_json::{Value, json};

use crate::house::{House, house};

/// An endpoint whose model needs weights, with its app.
fn needy(house: &House) -> (String, String) {
    let models = house.gateway.catalog.models();
    let mut endpoints = models.flat_map(|model| model.endpoints.iter().map(move |endpoint| (model, endpoint)));
    let (model, endpoint) = endpoints.find(|(model, endpoint)| model.weights_of(endpoint).is_some()).unwrap();
    (model.endpoint_id(endpoint), model.app.to_string())
}

#[tokio::test]
async fn a_document_of_the_queue_is_served_under_the_hosted_name_and_the_own_one() {
    let house = house().await;
    let url = "/api/openapi/queue/openapi.json?endpoint_id=tintype/sketch";
    let own = house.with(Method::GET, url, &[("authorization", "")], "").await.json();
    assert_eq!(own["servers"], json!([{"url": "http://localhost:8700/queue"}]));
    let metadata = &own["info"]["x-fal-metadata"];
    assert_eq!(metadata["documentationUrl"], "http://localhost:8700/models/tintype/sketch");
    let hosted = house.with(Method::GET, url, &[("host", "fal.ai")], "").await.json();
    assert_eq!(hosted["servers"], json!([{"url": "http://queue.fal.run"}]));
    assert!(hosted["paths"]["/tintype/sketch/requests/{request_id}"]["get"].is_object());
    let alias = house.get(&url.replace("tintype/sketch", "fal-ai/flux/dev")).await.json();
    assert_eq!(alias["info"]["x-fal-metadata"]["endpointId"], "tintype/sketch");
    assert_eq!(house.get("/api/openapi/queue/openapi.json").await.status, 400);
    let unknown = house.get(&url.replace("sketch", "skecth")).await;
    assert!(unknown.status == 404 && unknown.text.contains("did you mean"), "{}", unknown.text);
    assert_eq!(house.post(url, json!({})).await.status, 405);
}

#[tokio::test]
async fn pages_show_the_schema_the_code_and_the_terms() {
    let house = house().await;
    let keyless = [("authorization", "")];
    let page = house.with(Method::GET, "/models/tintype/sketch/inpaint", &keyless, "").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for words in ["mask_url", "fal_client.subscribe", "@fal-ai/client", "Apache-2.0", "/playground/tintype/sketch"] {
        assert!(page.text.contains(words), "{words}");
    }
    let index = house.with(Method::GET, "/models?q=inpaint+sketch", &keyless, "").await;
    assert!(index.text.contains("/models/tintype/sketch/inpaint") && !index.text.contains("tintype/noop"));
    let hostile = house.get("/models?q=%3Cscript%3E%22").await;
    assert!(hostile.status == 200 && !hostile.text.contains("<script"), "{}", hostile.text);
    assert_eq!(house.get("/models/tintype/nothing").await.status, 404);
    assert_eq!(house.get("/models/a").await.status, 404);
}

#[tokio::test]
async fn what_can_answer_is_listed_before_what_lacks_its_weights() {
    let house = house().await;
    let listed = house.get("/v1/models").await.json();
    let ready = listed["models"].as_array().unwrap().iter().map(|model| model["metadata"]["installed"] == true);
    let ready: Vec<bool> = ready.collect();
    assert!(ready.is_sorted_by_key(|ready| !ready) && ready.contains(&true) && ready.contains(&false), "{ready:?}");
    let page = house.get("/models").await.text;
    assert!(page.find("tintype/sketch").unwrap() < page.find("not installed").unwrap());
}

#[tokio::test]
async fn models_that_come_with_the_server_are_listed_before_tools_and_those_before_what_needs_weights() {
    let house = house().await;
    let listed = house.get("/v1/models").await.json();
    let ids: Vec<_> = listed["models"].as_array().unwrap().iter().map(|model| &model["endpoint_id"]).collect();
    let place = |id: &str| ids.iter().position(|one| *one == id).unwrap_or_else(|| panic!("{id} is not in {ids:?}"));
    let (needy, _) = needy(&house);
    assert_eq!(place("tintype/sketch"), 0);
    let places = ["tintype/solids", "tintype/voice", "fal-ai/ffmpeg-api/compose", &needy].map(place);
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test]
async fn a_browser_that_asks_for_what_is_not_there_gets_a_page_and_a_program_gets_json() {
    let house = house().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("authorization", "")];
    for url in ["/models/nope/nope", "/models/a", "/nope", "/nope/nope", "/queue/nope/nope", "/storage/nope"] {
        let page = house.with(Method::GET, url, &browser, "").await;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{url}");
        assert!(page.text.contains("href=\"/models\"") && page.header("content-security-policy").contains("'none'"));
        let json = house.get(url).await;
        assert!(json.status == 404 && json.json()["detail"].is_string(), "{url}: {}", json.text);
    }
    let near = house.with(Method::GET, "/models/tintype/skecth", &browser, "").await;
    assert!(near.text.contains("Did you mean <a href=\"/models/tintype/sketch\">"), "{}", near.text);
    let hostile = house.with(Method::GET, "/models/a/%3Cscript%3Ehere", &browser, "").await;
    assert!(hostile.status == 404 && !hostile.text.contains("<script>here"), "{}", hostile.text);
    for url in ["/v1/nope", "/tintype/sketch"] {
        let answer = house.with(Method::GET, url, &browser, "").await;
        assert_eq!(answer.header("content-type"), "application/json", "{url}");
    }
}

#[tokio::test]
async fn forms_and_pages_begin_with_an_input_that_can_be_sent() {
    let house = house().await;
    let id = "fal-ai/ffmpeg-api/merge-videos";
    let listed = house.get(&format!("/v1/models?expand=openapi-3.0&endpoint_id={id}")).await.json();
    let videos = ["https://example.com/video.mp4"; 2];
    assert_eq!(listed["models"][0]["sample_input"], json!({"video_urls": videos}));
    assert_eq!(
        house.get(&format!("/v1/models?endpoint_id={id}")).await.json()["models"][0]["sample_input"],
        json!(null)
    );
    for url in [format!("/models/{id}"), format!("/models/{id}/llms.txt")] {
        assert!(house.get(&url).await.text.contains(videos[0]), "{url}");
    }
}

#[tokio::test]
async fn a_playground_of_no_endpoint_leads_to_all_models() {
    let house = house().await;
    for url in ["/playground", "/playground/"] {
        let answer = house.with(Method::GET, url, &[("authorization", "")], "").await;
        assert_eq!((answer.status, answer.header("location")), (307, "/models"), "{url}");
    }
}

#[tokio::test]
async fn texts_for_programs_name_every_endpoint_and_its_fields() {
    let house = house().await;
    let site = house.get("/llms.txt").await;
    assert_eq!(site.header("content-type"), "text/plain; charset=utf-8");
    assert!(
        site.text.contains("[tintype/sketch/inpaint](http://localhost:8700/models/tintype/sketch/inpaint/llms.txt)")
    );
    let model = house.get("/models/tintype/sketch/llms.txt").await.text;
    for words in ["**`prompt`** (`string`, required)", "Default: `24`", "At most 50", "```python", "a red circle"] {
        assert!(model.contains(words), "{words} is not in {model}");
    }
}

#[tokio::test]
async fn pages_are_found_under_aliases_and_listings_by_them() {
    let house = house().await;
    assert!(house.get("/models/fal-ai/flux/dev").await.text.contains("Also called"));
    let listed = house.get("/v1/models?endpoint_id=fal-ai/flux/dev").await.json();
    assert_eq!(listed["models"][0]["endpoint_id"], "tintype/sketch");
}

#[tokio::test]
async fn prices_are_told_where_they_are_stated_and_added_up() {
    let house = house().await;
    let free = house.gateway.catalog.models().filter_map(|model| {
        let is_free =
            |endpoint: &&tintype_catalog::Endpoint| model.price_of(endpoint).is_some_and(|price| price.nanos == 0);
        model.endpoints.iter().find(is_free).map(|endpoint| model.endpoint_id(endpoint))
    });
    let free = free.last().unwrap();
    let url = format!("/v1/models/pricing?endpoint_id={free}");
    let told = house.get(&url).await.json();
    assert_eq!((&told["prices"][0]["endpoint_id"], &told["prices"][0]["unit_price"]), (&json!(free), &json!(0.0)));
    assert_eq!(house.with(Method::GET, &url, &[("authorization", "")], "").await.status, 401);
    assert_eq!(house.get("/v1/models/pricing").await.status, 400);
    assert_eq!(house.get("/v1/models/pricing?endpoint_id=a/b").await.status, 404);
    let unpriced = house.get("/v1/models/pricing?endpoint_id=tintype/noop").await.json();
    assert_eq!(
        (&unpriced["error"]["type"], &unpriced["error"]["code"]),
        (&json!("not_found"), &json!("price_not_found"))
    );
    for (kind, member) in [("unit_price", "unit_quantity"), ("historical_api_price", "call_quantity")] {
        let body = json!({"estimate_type": kind, "endpoints": {free.as_str(): {member: 3}}});
        let estimate = house.post("/v1/models/pricing/estimate", body).await;
        assert_eq!(estimate.json(), json!({"estimate_type": kind, "total_cost": 0.0, "currency": "USD"}));
    }
    let wrong = house.post("/v1/models/pricing/estimate", json!({"estimate_type": "guess"})).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["type"]), (400, &json!("validation_error")));
}

#[tokio::test]
async fn a_model_without_its_weights_is_listed_and_refuses_calls_with_the_command_that_fetches_them() {
    let house = house().await;
    let (id, app) = needy(&house);
    let listed = house.get(&format!("/v1/models?endpoint_id={id}")).await.json();
    assert_eq!(listed["models"][0]["metadata"]["installed"], false);
    for url in [format!("/{id}"), format!("/queue/{id}")] {
        let refused = house.post(&url, json!({})).await;
        assert_eq!(refused.status, 424, "{}", refused.text);
        let body: Value = refused.json();
        assert_eq!(body["error_type"], "model_not_installed");
        assert!(body["detail"].as_str().unwrap().contains(&format!("`tintype models install {app}")), "{body}");
    }
    assert!(house.get(&format!("/models/{id}")).await.text.contains("Not installed"));
}
