//! Every way in which the clients upload.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::bench::{BASE, Bench};

#[tokio::test]
async fn a_token_says_when_it_ends_in_a_form_that_old_pythons_read() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str())];
    let token = bench.call(Method::POST, "/storage/auth/token?storage_type=fal-cdn-v3", &headers, "{}").await.json();
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["base_url"], BASE);
    assert_eq!(token["expires_at"], "2023-11-14T23:13:20.000000+00:00");
}

#[tokio::test]
async fn a_direct_upload_is_downloaded_again_at_its_address() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    let headers =
        [("authorization", token.as_str()), ("content-type", "image/png"), ("x-fal-file-name", "../my photo.png")];
    let answer = bench.call(Method::POST, "/files/upload", &headers, "pixels").await.json();
    let url = answer["access_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{BASE}/files/b/")) && url.ends_with("/my%20photo.png"), "{url}");
    assert_eq!(answer["file_size"], 6);
    let file = bench.get(url, &[]).await;
    assert_eq!((file.status, &file.body[..]), (StatusCode::OK, &b"pixels"[..]));
    assert_eq!(file.header("content-type"), "image/png");
}

async fn initiate(bench: &Bench, route: &str) -> (String, String) {
    let url = format!("/storage/upload/{route}?storage_type=fal-cdn-v3");
    let headers = [("authorization", bench.key.as_str()), ("content-type", "application/json")];
    let body = json!({"file_name": "a.png", "content_type": "image/png"}).to_string();
    let answer: Value = bench.call(Method::POST, &url, &headers, body).await.json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("upload_url"), text("file_url"))
}

#[tokio::test]
async fn a_signed_upload_needs_no_key_and_minds_none() {
    let bench = Bench::new().await;
    for headers in [vec![], vec![("authorization", "Key somebody:else")]] {
        let (upload, file) = initiate(&bench, "initiate").await;
        assert_eq!(bench.get(&file, &[]).await.status, StatusCode::NOT_FOUND);
        let put = bench.call(Method::PUT, &upload, &headers, "pixels").await;
        assert_eq!(put.status, StatusCode::OK);
        assert_eq!(bench.get(&file, &[]).await.body, "pixels");
    }
}

#[tokio::test]
async fn a_signed_upload_may_be_repeated_but_not_changed() {
    let bench = Bench::new().await;
    let (upload, file) = initiate(&bench, "initiate").await;
    for _ in 0..2 {
        assert_eq!(bench.call(Method::PUT, &upload, &[], "one").await.status, StatusCode::OK);
    }
    let (status, code, _) = bench.call(Method::PUT, &upload, &[], "two").await.error();
    assert_eq!((status, code.as_str()), (400, "upload_conflict"));
    assert_eq!(bench.get(&file, &[]).await.body, "one");
}

#[tokio::test]
async fn a_signed_upload_in_parts_answers_in_header_and_body() {
    let bench = Bench::new().await;
    let (upload, file) = initiate(&bench, "initiate-multipart").await;
    let (path, query) = upload.split_once('?').unwrap();
    let mut parts = Vec::new();
    for (number, body) in [(1, "aa"), (2, "bb"), (3, "c")] {
        let put = bench.call(Method::PUT, &format!("{path}/{number}?{query}"), &[], body).await;
        let part = put.json();
        assert_eq!(part["partNumber"], number);
        assert_eq!(part["etag"], put.header("etag"));
        parts.push(part);
    }
    let complete = format!("{path}/complete?{query}");
    let list = json!({"parts": parts}).to_string();
    for _ in 0..2 {
        let done = bench.call(Method::POST, &complete, &[("content-type", "application/json")], list.clone()).await;
        assert_eq!(done.json()["file_url"], file);
    }
    assert_eq!(bench.get(&file, &[]).await.body, "aabbc");
    assert_eq!(bench.files_on_disk(), 1, "the parts are gone");
}

#[tokio::test]
async fn a_multipart_upload_takes_parts_in_any_order_and_empty_ones() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    let bearer = [("authorization", token.as_str())];
    let named = [bearer[0], ("content-type", "video/mp4"), ("x-fal-file-name", "clip.mp4")];
    let begun = bench.call(Method::POST, "/files/upload/multipart", &named, "").await.json();
    let (url, upload) = (begun["access_url"].as_str().unwrap(), begun["uploadId"].as_str().unwrap());
    let mut parts = Vec::new();
    for (number, body) in [(2, ""), (10, "z"), (1, "first "), (3, "third ")] {
        let put = bench.call(Method::PUT, &format!("{url}/multipart/{upload}/{number}"), &bearer, body).await;
        assert_eq!(put.status, StatusCode::OK);
        parts.push(json!({"partNumber": number, "etag": put.header("etag")}));
    }
    let complete = format!("{url}/multipart/{upload}/complete");
    for _ in 0..2 {
        let list = json!({"parts": parts}).to_string();
        assert_eq!(bench.call(Method::POST, &complete, &bearer, list).await.status, StatusCode::OK);
    }
    let file = bench.get(url, &[]).await;
    assert_eq!((&file.body[..], file.header("content-type")), (&b"first third z"[..], "video/mp4"));
}

#[tokio::test]
async fn parts_that_do_not_fit_are_named() {
    let bench = Bench::new().await;
    let (upload, _) = initiate(&bench, "initiate-multipart").await;
    let (path, query) = upload.split_once('?').unwrap();
    for number in ["0", "10001", "-1", "x"] {
        let (status, code, detail) =
            bench.call(Method::PUT, &format!("{path}/{number}?{query}"), &[], "x").await.error();
        assert_eq!((status, code.as_str()), (400, "upload_parts_invalid"));
        assert!(detail.contains(number) && detail.contains("1 to 10000"), "{detail}");
    }
    let complete = |list: Value| {
        let url = format!("{path}/complete?{query}");
        let bench = &bench;
        async move { bench.call(Method::POST, &url, &[], list.to_string()).await.error() }
    };
    let (status, _, detail) = complete(json!({"parts": [{"partNumber": 7, "etag": "\"00\""}]})).await;
    assert_eq!(status, 400);
    assert!(detail.contains("part 7"), "{detail}");
    assert_eq!(complete(json!({"parts": []})).await.0, 400);
    assert_eq!(complete(json!({"parts": "all"})).await.0, 422);
}

#[tokio::test]
async fn parts_may_be_announced_one_by_one_by_whoever_began() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str())];
    let wanted = r#"{"file_name": "a.bin", "content_type": "text/plain"}"#;
    let begun = bench.call(Method::POST, "/storage/upload/initiate-multipart?storage_type=gcs", &headers, wanted).await;
    let upload = begun.json()["upload_url"].as_str().unwrap().to_owned();
    assert!(!upload.contains('?'), "{upload}");
    let mut parts = Vec::new();
    for (number, bytes) in [(1, "hello "), (2, "world")] {
        let announced = bench.call(Method::POST, &format!("{upload}/{number}"), &headers, "").await;
        let put = bench.call(Method::PUT, announced.json()["upload_url"].as_str().unwrap(), &[], bytes).await;
        parts.push(serde_json::json!({"part_number": number, "etag": put.header("etag").trim_matches('"')}));
    }
    let stranger = bench.key_of("stranger").await;
    let theirs = [("authorization", stranger.as_str())];
    let body = serde_json::json!({"parts": parts}).to_string();
    let refused = bench.call(Method::POST, &format!("{upload}/complete"), &theirs, body.clone()).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let done = bench.call(Method::POST, &format!("{upload}/complete"), &headers, body).await;
    assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);
    assert_eq!(bench.get(begun.json()["file_url"].as_str().unwrap(), &[]).await.body, "hello world");
}
