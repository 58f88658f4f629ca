//! The REST half of the deployment API, asked of a whole server as the `fal` command line asks it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tintype_testkit::TestApp;

const BOUNDARY: &str = "the-boundary";

/// A form with one file in it.
fn form(request: RequestBuilder, bytes: &[u8]) -> RequestBuilder {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file_upload\"; filename=\"x\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
    request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body)
}

async fn ask(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
    (status, body)
}

async fn upload(app: &TestApp, path: &str, bytes: &[u8]) -> (u16, Value) {
    ask(form(app.request(Method::POST, &format!("/files/file/local/{path}")), bytes)).await
}

#[tokio::test]
async fn the_caller_is_told_who_it_is_and_without_a_key_why_not() {
    let app = TestApp::start().await;
    let (status, user) = ask(app.request(Method::GET, "/users/current")).await;
    assert_eq!((status, &user["nickname"], &user["is_locked"]), (200, &json!("local"), &json!(false)));
    let (_, teams) = ask(app.request(Method::GET, "/users/teams")).await;
    assert_eq!((teams.as_array().unwrap().len(), &teams[0]["is_personal"]), (1, &json!(true)));
    let (status, refused) = ask(app.anonymous(Method::GET, "/users/current")).await;
    assert!(status == 401 && refused["detail"].as_str().unwrap().contains("FAL_KEY"), "{refused}");
    app.stop().await;
}

#[tokio::test]
async fn files_of_an_account_go_up_are_listed_move_come_down_and_go() {
    let app = TestApp::start().await;
    assert_eq!(upload(&app, "/data/a b/x.txt", b"hello").await.0, 200);
    let (_, listed) = ask(app.request(Method::GET, "/files/list//data/a%20b")).await;
    assert_eq!(
        (&listed[0]["path"], &listed[0]["size"], &listed[0]["is_file"]),
        (&json!("/data/a b/x.txt"), &json!(5), &json!(true))
    );
    let moved = app.request(Method::POST, "/files/rename//data/a%20b/x.txt").json(&json!({"destination": "/data/y"}));
    assert_eq!(ask(moved).await.0, 200);
    assert_eq!(ask(app.request(Method::GET, "/files/file//data/y")).await, (200, json!("hello")));
    let (_, listed) = ask(app.request(Method::GET, "/files/list//data/y")).await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["path"]), (1, &json!("/data/y")));
    assert_eq!(ask(app.request(Method::DELETE, "/files/file//data/y")).await.0, 200);
    let (status, gone) = ask(app.request(Method::GET, "/files/file//data/y")).await;
    assert_eq!((status, gone), (404, json!({"detail": "`/data/y` was not found"})));
    let (status, outside) = ask(app.request(Method::GET, "/files/list//etc")).await;
    assert!(status == 400 && outside["detail"].as_str().unwrap().contains("outside `/data`"), "{outside}");
    app.stop().await;
}

#[tokio::test]
async fn a_large_file_arrives_in_parts_that_may_come_in_any_order() {
    let app = TestApp::start().await;
    let base = "/files/file/multipart//data/deep/large.bin";
    let (_, begun) = ask(app.request(Method::POST, &format!("{base}/initiate"))).await;
    let id = begun["upload_id"].as_str().unwrap();
    let part = |number: u32| app.request(Method::PUT, &format!("{base}/{id}/{number}"));
    let (_, two) = ask(form(part(2), b"world")).await;
    let (_, one) = ask(form(part(1), b"hello ")).await;
    let complete = app.request(Method::POST, &format!("{base}/{id}/complete")).json(&json!({"parts": [two, one]}));
    assert_eq!(ask(complete).await, (200, json!({"etag": ""})));
    assert_eq!(ask(app.request(Method::GET, "/files/file//data/deep/large.bin")).await.1, json!("hello world"));
    let again = ask(form(part(1), b"x")).await;
    assert_eq!(again.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn an_app_file_is_kept_once_its_hash_is_proved() {
    let app = TestApp::start().await;
    // Of `hello` and the mode 33188.
    let hash = "31d5a9a79285cfe355e3af833ad04027dfb1addf4c8c5077be673fbb5ae7eefd";
    let missing = || app.request(Method::POST, "/files/missing_hashes").json(&json!({"hashes": [hash]}));
    assert_eq!(ask(missing()).await, (200, json!([hash])));
    let base = format!("/files/app/multipart/{hash}");
    let said = json!({"size": "5", "mtime": "0", "mode": "33188", "hash": hash});
    let (_, begun) = ask(app.request(Method::POST, &format!("{base}/initiate")).json(&said)).await;
    let id = begun["upload_id"].as_str().unwrap();
    let part = |bytes: &'static [u8]| ask(form(app.request(Method::PUT, &format!("{base}/{id}/1")), bytes));
    let complete = |part: Value| {
        let whole = json!({"parts": [part], "metadata": said});
        ask(app.request(Method::POST, &format!("{base}/{id}/complete")).json(&whole))
    };
    let (status, refused) = complete(part(b"other").await.1).await;
    assert!(status == 400 && refused["detail"].as_str().unwrap().contains("deploy again"), "{refused}");
    assert_eq!(ask(missing()).await.1, json!([hash]));
    assert_eq!(complete(part(b"hello").await.1).await, (200, json!({"etag": hash})));
    assert_eq!(ask(missing()).await.1, json!([]));
    // Sent again, because the answer got lost; begun again, because nobody asked what was missing.
    assert_eq!(complete(json!({"part_number": 1, "etag": "0"})).await.0, 200);
    assert_eq!(ask(app.request(Method::POST, &format!("{base}/initiate")).json(&said)).await.0, 409);
    let (status, _) = ask(app.request(Method::POST, "/files/app/multipart/nonsense/initiate").json(&said)).await;
    assert_eq!(status, 400);
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_the_callers_is_not_found_in_words_that_say_so() {
    let app = TestApp::start().await;
    for (method, path) in [
        (Method::GET, "/runners/none"),
        (Method::POST, "/logs/history?job_id=none&page_size=10"),
        (Method::POST, "/logs/stream?job_id=none"),
        (Method::GET, "/applications/local/none/queue?by_user=true"),
        (Method::DELETE, "/applications/local/none/queue"),
        (Method::GET, "/applications/local/none/metadata"),
    ] {
        let (status, body) = ask(app.request(method, path)).await;
        assert!(status == 404 && body["detail"].as_str().unwrap().contains("not found"), "{path}: {status} {body}");
    }
    let (_, metrics) = ask(app.request(Method::GET, "/applications/metrics")).await;
    assert_eq!(metrics, json!({"summary": {"total_gpu_by_type": {}}, "apps": {}}));
    app.stop().await;
}
