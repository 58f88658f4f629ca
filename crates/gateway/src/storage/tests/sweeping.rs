//! Files end when they were said to, and nothing is left of them.

use std::time::Duration;

use http::{Method, StatusCode};
use tintype_access::{Grant, Purpose};
use tintype_blob::new_id;
use tintype_domain::{AccountId, Clock as _};

use super::bench::Bench;
use crate::storage::Sweeper;

const HOUR: &str = r#"{"expiration_duration_seconds": 3600}"#;

#[tokio::test]
async fn an_expired_file_is_gone_at_once_and_its_bytes_at_the_next_round() {
    let bench = Bench::new().await;
    let url = bench.upload(&[("x-fal-object-lifecycle-preference", HOUR)], "x").await;
    let kept = bench.upload(&[], "kept").await;
    bench.clock.advance(Duration::from_secs(3599));
    assert_eq!(bench.get(&url, &[]).await.header("cache-control"), "public, max-age=1");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.get(&url, &[("authorization", &bench.key)]).await.status, StatusCode::NOT_FOUND);
    Sweeper::of(bench.files.clone()).round(true).await.unwrap();
    assert_eq!(bench.files_on_disk(), 1);
    assert_eq!(bench.get(&kept, &[]).await.body, "kept");
}

#[tokio::test]
async fn outputs_live_as_long_as_their_token_says() {
    let bench = Bench::new().await;
    let token = bench.files.access.mint(Grant {
        account: AccountId::new("owner"),
        purpose: Purpose::Cdn { lifecycle: Some(HOUR.to_owned()) },
        expires_at: bench.clock.now().plus(Duration::from_secs(60)),
    });
    let bearer = format!("Bearer {token}");
    let stored = bench.call_inside("/files/upload", &[("authorization", &bearer)], "x").await.json();
    let url = stored["access_url"].as_str().unwrap();
    assert_eq!(bench.get(url, &[]).await.status, StatusCode::OK);
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.get(url, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_unfinished_upload_is_dropped_with_its_parts_after_a_day() {
    let bench = Bench::new().await;
    let owner = [("authorization", bench.key.as_str())];
    let begun = bench.call(Method::POST, "/files/upload/multipart", &owner, "").await.json();
    let part = format!("{}/multipart/{}/1", begun["access_url"].as_str().unwrap(), begun["uploadId"].as_str().unwrap());
    bench.call(Method::PUT, &part, &owner, "x").await;
    let sweeper = Sweeper::of(bench.files.clone());
    sweeper.round(true).await.unwrap();
    assert_eq!(bench.files_on_disk(), 1);
    bench.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(bench.call(Method::PUT, &part, &owner, "x").await.error().0, 404);
    sweeper.round(true).await.unwrap();
    assert_eq!(bench.files_on_disk(), 0);
}

#[tokio::test]
async fn bytes_that_a_crash_left_without_a_record_are_found() {
    let bench = Bench::new().await;
    let kept = bench.upload(&[], "kept").await;
    let lost = futures::stream::iter([Ok::<_, std::io::Error>("lost".into())]);
    bench.files.blobs.put(&new_id(), lost, 100).await.unwrap();
    let part = futures::stream::iter([Ok::<_, std::io::Error>("lost".into())]);
    bench.files.blobs.put_part(&new_id(), 1, part, 100).await.unwrap();
    let sweeper = Sweeper::of(bench.files.clone());
    // The bytes were written today, by the clock of the disk; the clock here stands in the past.
    sweeper.round(true).await.unwrap();
    assert_eq!(bench.files_on_disk(), 3, "they are too young to be judged");
    bench.clock.advance(Duration::from_secs(100 * 366 * 24 * 3600));
    sweeper.round(true).await.unwrap();
    assert_eq!(bench.files_on_disk(), 1);
    assert_eq!(bench.get(&kept, &[]).await.body, "kept");
}
