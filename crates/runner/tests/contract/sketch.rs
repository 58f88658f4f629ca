//! The contract with the sketch model, and a small platform that keeps files in memory.

use axum::body::Bytes;
use futures::{SinkExt, StreamExt};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tintype_media::{DataUri, Limits, Picture, decode};
use tokio_tungstenite::tungstenite::Message;

use crate::{harness::Runner, platform::MemoryPlatform};

async fn sketch() -> Runner {
    Runner::start("tintype/sketch", |options| options.threads = Some(1)).await
}

fn quick(more: &Value) -> Value {
    let mut input = json!({ "prompt": "a red circle on a white background", "seed": 7, "num_inference_steps": 2,
        "sync_mode": true, "image_size": { "width": 64, "height": 64 } });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn picture(image: &Value) -> Picture {
    let uri = DataUri::parse(image["url"].as_str().unwrap(), 1 << 24).unwrap();
    decode(&uri.bytes, &Limits::default()).unwrap()
}

/// A plain picture as a data URI.
fn plain(width: u32, height: u32, colour: [u8; 3]) -> String {
    let pixels = colour.repeat((width * height) as usize);
    let picture = Picture::new(width, height, pixels).unwrap();
    let bytes = tintype_media::encode(&picture, tintype_media::Format::Png, 90).unwrap();
    tintype_media::data_uri("image/png", &bytes)
}

#[tokio::test]
async fn words_that_the_model_does_not_know_are_in_the_answer() {
    let runner = sketch().await;
    let answer = runner.post("/", &quick(&json!({ "prompt": "an astronaut on a red horse" }))).await;
    assert_eq!(answer.json()["not_understood"], json!(["astronaut", "horse"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_answers_with_all_that_the_client_api_names() {
    let runner = sketch().await;
    let answer = runner.post("/", &quick(&json!({ "num_images": 2 }))).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!(answer.headers["x-fal-billable-units"], "2");
    let body = answer.json();
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["images", "timings", "seed", "has_nsfw_concepts", "prompt", "not_understood"]);
    assert_eq!((&body["seed"], &body["has_nsfw_concepts"]), (&json!(7), &json!([false, false])));
    let image = &body["images"][0];
    assert_eq!(
        (&image["content_type"], &image["width"], &image["height"]),
        (&json!("image/png"), &json!(64), &json!(64))
    );
    assert_eq!(image["file_name"], "sketch-0.png");
    assert_eq!(picture(image).width(), 64);
    // The second picture is what its own seed draws.
    let second = runner.post("/text-to-image", &quick(&json!({ "seed": 8 }))).await.json();
    assert_eq!(second["images"][0]["url"], body["images"][1]["url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let one = sketch().await;
    let three = Runner::start("sketch", |options| options.threads = Some(3)).await;
    let [first, again, other] = [
        one.post("/", &quick(&json!({}))).await,
        one.post("/", &quick(&json!({}))).await,
        three.post("/", &quick(&json!({}))).await,
    ];
    assert_eq!(first.json()["images"], again.json()["images"]);
    assert_eq!(first.json()["images"], other.json()["images"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_is_told_field_by_field() {
    let runner = sketch().await;
    for path in ["/", "/stream"] {
        let answer = runner.post(path, &json!({ "num_images": 9, "image_size": "huge" })).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.headers["x-fal-billable-units"], "0");
        let fields: Vec<Value> =
            answer.json()["detail"].as_array().unwrap().iter().map(|d| d["loc"][1].clone()).collect();
        assert_eq!(fields, ["prompt", "image_size", "num_images"]);
    }
    let broken = json!({ "image_url": "data:image/png;base64,iVBORw0KGgo=", "prompt": "x" });
    let detail = runner.post("/image-to-image", &broken).await.json()["detail"][0].clone();
    assert_eq!((&detail["loc"][1], &detail["type"]), (&json!("image_url"), &json!("image_load_error")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_with_no_strength_comes_back_as_it_was() {
    let runner = sketch().await;
    let input = quick(&json!({ "image_url": plain(128, 64, [200, 30, 60]), "strength": 0, "image_size": null }));
    let drawn = picture(&runner.post("/image-to-image", &input).await.json()["images"][0]);
    assert_eq!((drawn.width(), drawn.height()), (128, 64));
    let off = drawn.pixels().iter().zip([200_u8, 30, 60].iter().cycle()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(off < 40, "off by {off}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_mask_keeps_is_kept_exactly() {
    let runner = sketch().await;
    let mut halves = vec![0; 64 * 64 * 3];
    halves.chunks_mut(3).enumerate().filter(|(at, _)| at % 64 >= 32).for_each(|(_, pixel)| pixel.fill(255));
    let mask = tintype_media::encode(&Picture::new(64, 64, halves).unwrap(), tintype_media::Format::Png, 90).unwrap();
    let mask = tintype_media::data_uri("image/png", &mask);
    let input = quick(&json!({ "image_url": plain(64, 64, [10, 200, 30]), "mask_url": mask, "strength": 1 }));
    let drawn = picture(&runner.post("/inpainting", &input).await.json()["images"][0]);
    for row in drawn.pixels().chunks(64 * 3) {
        assert_eq!(row[..3 * 30], [10, 200, 30].repeat(30));
    }
    assert!(drawn.pixels().chunks(64 * 3).any(|row| row[3 * 40..3 * 43] != [10, 200, 30].repeat(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_and_go_through_the_platform() {
    let directory = tempfile::tempdir().unwrap();
    let platform = MemoryPlatform::serve(directory.path().join("platform.sock"));
    platform.put("https://example.com/a.png", &plain(64, 64, [255, 0, 0]));
    let socket = platform.socket.clone();
    let runner = Runner::start("sketch", move |options| options.platform = Some(socket)).await;
    let input =
        quick(&json!({ "sync_mode": false, "image_url": "https://example.com/a.png", "output_format": "webp" }));
    let request =
        Request::post("/image-to-image").header("x-fal-cdn-token", "secret").body(Full::from(input.to_string()));
    let answer = runner.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let body = answer.json();
    let image = &body["images"][0];
    let stored = platform.stored(image["url"].as_str().unwrap());
    assert_eq!((stored.bearer.as_str(), stored.content_type.as_str()), ("Bearer secret", "image/webp"));
    assert_eq!(image["file_size"], stored.bytes.len());
    let missing = quick(&json!({ "image_url": "https://example.com/none.png" }));
    let answer = runner.post("/image-to-image", &missing).await;
    assert_eq!(
        (answer.status, &answer.json()["detail"][0]["loc"][1]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("image_url"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_the_picture_come_and_ends_with_the_answer() {
    let runner = sketch().await;
    let answer = runner.post("/stream", &quick(&json!({ "num_inference_steps": 4 }))).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let events: Vec<Value> = text.split_terminator("\n\n").map(|e| serde_json::from_str(&e[6..]).unwrap()).collect();
    let (last, previews) = events.split_last().unwrap();
    assert!(!previews.is_empty() && previews.iter().all(|event| event["partial"] == true && event["total_steps"] == 4));
    assert_eq!(picture(&previews[0]["images"][0]).width(), 256);
    let whole = runner.post("/", &quick(&json!({ "num_inference_steps": 4 }))).await.json();
    assert_eq!(last["images"], whole["images"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_drawing_stops_and_gives_its_slot_back() {
    let runner = sketch().await;
    let long = quick(&json!({ "num_inference_steps": 50, "num_images": 4 }));
    let request =
        |path: &str| Request::post(path).header("x-fal-request-id", "r-1").body(Full::from(long.to_string())).unwrap();
    let cancel = async {
        while runner.send(request("/cancel")).await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(runner.send(request("/")), cancel);
    assert_eq!(answer.status.as_u16(), 499);
    // A caller who leaves in the middle of a stream takes the computation along.
    let mut body = runner.open(request("/stream")).await.into_body();
    http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    drop(body);
    assert_eq!(runner.post("/", &quick(&json!({}))).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn realtime_draws_bytes_and_refuses_wrong_input_without_leaving() {
    let runner = sketch().await;
    let mut socket = runner.websocket("/realtime").await;
    let pack = |value: &Value| {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &rmpv::ext::to_value(value).unwrap()).unwrap();
        Message::Binary(Bytes::from(bytes))
    };
    socket.send(pack(&json!({ "num_images": 1 }))).await.unwrap();
    let error: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(
        (&error["error"], error["reason"].as_str().unwrap().contains("prompt")),
        (&json!("INVALID_INPUT"), true)
    );
    socket.send(pack(&quick(&json!({ "request_id": "q" })))).await.unwrap();
    let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() else { panic!("a result is binary") };
    let answer = rmpv::decode::read_value(&mut &bytes[..]).unwrap();
    assert_eq!(answer["request_id"].as_str(), Some("q"));
    let image = &answer["images"][0];
    assert_eq!((image["content_type"].as_str(), image["width"].as_u64()), (Some("image/jpeg"), Some(64)));
    assert_eq!(decode(image["content"].as_slice().unwrap(), &Limits::default()).unwrap().height(), 64);
}
