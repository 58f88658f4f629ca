//! Uploads of apps, on their own socket.

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tintype_access::{Grant, Purpose};
use tintype_domain::AccountId;

use super::bench::{Answer, Bench, LIMIT};

const HOUR: &str = r#"{"expiration_duration_seconds": 3600}"#;

fn session_path(answer: &Answer, step: &str) -> String {
    let id = answer.json()["upload_id"].as_str().unwrap().to_owned();
    format!("/v1/upload-sessions/{}{step}", utf8_percent_encode(&id, NON_ALPHANUMERIC))
}

#[tokio::test]
async fn an_accepted_file_can_be_read_at_once() {
    let bench = Bench::new().await;
    let headers =
        [("authorization", bench.key.as_str()), ("x-fal-file-name", "cat.png"), ("content-type", "image/png")];
    let answer = bench.uploader(Method::POST, "/v1/uploads", &headers, "picture").await;
    assert_eq!((answer.status, &answer.json()["state"]), (StatusCode::ACCEPTED, &json!("accepted_local")));
    let url = answer.json()["file_url"].as_str().unwrap().to_owned();
    assert!(url.ends_with("/cat.png"), "{url}");
    assert_eq!(bench.get(&url, &[]).await.body, "picture");
    let id = answer.json()["upload_id"].as_str().unwrap().to_owned();
    let state = bench.uploader(Method::GET, &format!("/v1/uploads/{id}?wait=60"), &[], "").await;
    assert_eq!(state.json(), json!({"state": "completed"}));
    let unknown = bench.uploader(Method::GET, "/v1/uploads/0123456789abcdef0123456789abcdef", &[], "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_belongs_to_the_caller_whose_request_the_app_works_on_and_lives_as_that_caller_wished() {
    let bench = Bench::new().await;
    let purpose = Purpose::Cdn { lifecycle: Some(HOUR.to_owned()) };
    let expires_at = bench.files.now().plus(std::time::Duration::from_secs(60));
    let token = bench.files.access.mint(Grant { account: AccountId::new("caller"), purpose, expires_at });
    let headers = [("authorization", bench.key.as_str()), ("x-fal-cdn-token", &token)];
    let answer = bench.uploader(Method::POST, "/v1/uploads", &headers, "x").await;
    let file = bench.files.store.file(answer.json()["upload_id"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!(file.account.as_str(), "caller");
    assert_eq!(file.expires_at.unwrap().since(file.created_at).as_secs(), 3600);
}

#[tokio::test]
async fn a_session_takes_its_body_and_then_its_size() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str()), ("x-fal-file-name", "a.txt")];
    let begun = bench.uploader(Method::POST, "/v1/upload-sessions", &headers, "").await;
    assert_eq!((begun.status, &begun.json()["state"]), (StatusCode::CREATED, &json!("receiving")));
    let fill = bench.uploader(Method::PUT, &session_path(&begun, "/body"), &[], "hello").await;
    assert_eq!(fill.status, StatusCode::NO_CONTENT);
    let finish = session_path(&begun, "/finish");
    let wrong = bench.uploader(Method::POST, &finish, &[], r#"{"size_bytes": 4}"#).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = bench.uploader(Method::POST, &finish, &[], r#"{"size_bytes": 5}"#).await;
    assert_eq!((done.status, &done.json()["state"]), (StatusCode::ACCEPTED, &json!("accepted_local")));
    assert_eq!(done.json()["file_url"], begun.json()["file_url"]);
    assert_eq!(bench.get(done.json()["file_url"].as_str().unwrap(), &[]).await.body, "hello");
}

#[tokio::test]
async fn a_session_that_is_given_up_leaves_nothing_and_nobody_else_can_give_it_up() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str())];
    let begun = bench.uploader(Method::POST, "/v1/upload-sessions", &headers, "").await;
    bench.uploader(Method::PUT, &session_path(&begun, "/body"), &[], "hello").await;
    let url = begun.json()["file_url"].as_str().unwrap().to_owned();
    // The id of the file, which stands in its address, is not the session's.
    let file = url.rsplit('/').nth(1).unwrap();
    let stolen = bench.uploader(Method::DELETE, &format!("/v1/upload-sessions/{file}"), &[], "").await;
    assert_eq!(stolen.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.get(&url, &[]).await.status, StatusCode::OK);
    let aborted = bench.uploader(Method::DELETE, &session_path(&begun, ""), &[], "").await;
    assert_eq!(aborted.status, StatusCode::ACCEPTED);
    assert_eq!(bench.get(&url, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_words_that_apps_understand() {
    let bench = Bench::new().await;
    let nobody = bench.uploader(Method::POST, "/v1/uploads", &[], "x").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let length = (LIMIT + 1).to_string();
    let headers = [("authorization", bench.key.as_str()), ("content-length", &length)];
    let large = bench.uploader(Method::POST, "/v1/uploads", &headers, "x").await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let all = bench.files.uploads.clone().acquire_many_owned(bench.files.uploads.available_permits() as u32).await;
    let busy = bench.uploader(Method::POST, "/v1/uploads", &headers[..1], "x").await;
    assert_eq!(busy.status, StatusCode::TOO_MANY_REQUESTS);
    drop(all);
    assert_eq!(bench.uploader(Method::POST, "/v1/uploads", &headers[..1], "x").await.status, StatusCode::ACCEPTED);
}
