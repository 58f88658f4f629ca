//! Senders that lie, vanish or send too much, and a disk that fills.

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Method;

use super::bench::{Bench, LIMIT};

fn endless() -> Body {
    Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![7; 1 << 20]))))
}

fn cut_off() -> Body {
    let start = stream::iter([Ok(Bytes::from(vec![7; 2 << 20]))]);
    Body::from_stream(start.chain(stream::iter([Err(std::io::Error::other("gone"))])))
}

#[tokio::test]
async fn too_much_is_refused_at_once_where_it_is_announced_and_on_the_way_where_not() {
    let bench = Bench::new().await;
    let length = (LIMIT + 1).to_string();
    let announced = [("authorization", bench.key.as_str()), ("content-length", length.as_str())];
    for headers in [&announced[..], &announced[..1]] {
        let (status, code, detail) = bench.call(Method::POST, "/files/upload", headers, endless()).await.error();
        assert_eq!((status, code.as_str()), (413, "body_too_large"));
        assert!(detail.contains("4194304"), "{detail}");
    }
    assert_eq!(bench.files_on_disk(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing_on_any_route() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str())];
    let begun = bench.call(Method::POST, "/storage/upload/initiate", &headers, r#"{"file_name": "a"}"#).await.json();
    let signed = begun["upload_url"].as_str().unwrap();
    let part = signed.replacen('?', "/1?", 1);
    for (method, url) in [(Method::POST, "/files/upload"), (Method::PUT, signed), (Method::PUT, &part)] {
        let (status, code, _) = bench.call(method, url, &headers, cut_off()).await.error();
        assert_eq!((status, code.as_str()), (400, "bad_request"), "{url}");
    }
    assert_eq!(bench.files_on_disk(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_falls_silent_is_given_up() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str())];
    let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    assert_eq!(bench.call(Method::POST, "/files/upload", &headers, silent).await.error().0, 400);
    assert_eq!(bench.files_on_disk(), 0);
}

#[tokio::test]
async fn a_full_disk_refuses_new_files_and_keeps_the_old() {
    let bench = Bench::new().await;
    let old = bench.upload(&[], "old").await;
    bench.store.set_full(true);
    let headers = [("authorization", bench.key.as_str())];
    for (method, url) in [(Method::POST, "/files/upload"), (Method::POST, "/files/upload/multipart")] {
        let (status, code, _) = bench.call(method, url, &headers, "new").await.error();
        assert_eq!((status, code.as_str()), (507, "storage_full"), "{url}");
    }
    assert_eq!(bench.get(&old, &[]).await.body, "old");
    assert_eq!(bench.files_on_disk(), 1);
    bench.store.set_full(false);
    bench.upload(&[], "new").await;
}

#[tokio::test]
async fn a_lifecycle_that_is_not_understood_is_refused_by_name() {
    let bench = Bench::new().await;
    for (value, expected) in [
        ("soon", "expected JSON"),
        (r#"{"expiration_duration_seconds": -1}"#, "expiration_duration_seconds"),
        (r#"{"initial_acl": {"default": "perhaps"}}"#, "perhaps"),
    ] {
        let headers = [("authorization", bench.key.as_str()), ("X-Fal-Object-Lifecycle-Preference", value)];
        let (status, _, detail) = bench.call(Method::POST, "/files/upload", &headers, "x").await.error();
        assert_eq!(status, 400);
        assert!(detail.contains("`X-Fal-Object-Lifecycle-Preference`") && detail.contains(expected), "{detail}");
    }
    assert_eq!(bench.files_on_disk(), 0);
}

#[tokio::test]
async fn bodies_that_are_not_what_is_expected_are_refused_by_field() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str())];
    for (url, body, field) in [
        ("/storage/upload/initiate", "[", "file_name"),
        ("/storage/upload/initiate", r#"{"file_name": 5}"#, "file_name"),
        ("/storage/auth/token", r#"{"expiration_seconds": "long"}"#, "expiration_seconds"),
        ("/storage/auth/token", r#"{"expiration_seconds": 0}"#, "expiration_seconds"),
    ] {
        let (status, code, detail) = bench.call(Method::POST, url, &headers, body).await.error();
        assert_eq!((status, code.as_str()), (422, "invalid_body"), "{url}");
        assert!(detail.contains(&format!("[\"body\",\"{field}\"]")), "{detail}");
    }
    let flood = bench.call(Method::POST, "/storage/upload/initiate", &headers, endless()).await;
    assert_eq!(flood.error().0, 413);
}
