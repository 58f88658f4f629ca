//! What readers get.

use http::{Method, StatusCode};

use super::bench::Bench;

#[tokio::test]
async fn a_part_of_a_file_is_served_as_such() {
    let bench = Bench::new().await;
    let url = bench.upload(&[], "0123456789").await;
    let part = bench.get(&url, &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &b"234"[..]));
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 2-4/10", "3"));
    let outside = bench.get(&url, &[("range", "bytes=10-")]).await;
    assert_eq!(outside.header("content-range"), "bytes */10");
    assert_eq!(outside.error().0, 416);
}

#[tokio::test]
async fn a_head_says_everything_but_the_bytes() {
    let bench = Bench::new().await;
    let url = bench.upload(&[("content-type", "image/png")], "0123456789").await;
    let (get, head) = (bench.get(&url, &[]).await, bench.call(Method::HEAD, &url, &[], "").await);
    assert!(head.body.is_empty());
    assert_eq!(head.header("content-length"), "10");
    assert_eq!(head.headers, get.headers);
    for (name, value) in [
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "inline; filename=\"file.png\""),
        ("cache-control", "public, max-age=3600"),
        ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("content-security-policy", ""),
    ] {
        assert_eq!(get.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn who_has_the_file_is_told_so() {
    let bench = Bench::new().await;
    let url = bench.upload(&[], "x").await;
    let etag = bench.get(&url, &[]).await.header("etag").to_owned();
    let again = bench.get(&url, &[("if-none-match", &etag)]).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (StatusCode::NOT_MODIFIED, 0, etag.as_str()));
    let (status, code, detail) = bench.get(&url, &[("if-match", "\"other\"")]).await.error();
    assert_eq!((status, code.as_str()), (412, "precondition_failed"));
    assert!(detail.contains(etag.trim_matches('"')), "{detail}");
}

#[tokio::test]
async fn documents_that_could_run_are_caged() {
    let bench = Bench::new().await;
    for kind in ["text/html", "image/svg+xml"] {
        let url = bench.upload(&[("content-type", kind)], "<svg onload='alert(1)'/>").await;
        let file = bench.get(&url, &[]).await;
        assert_eq!(file.header("content-type"), kind);
        assert!(file.header("content-security-policy").starts_with("sandbox; default-src 'none'"), "{kind}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn an_address_counts_only_as_a_whole() {
    let bench = Bench::new().await;
    let url = bench.upload(&[("x-fal-file-name", "a b.png")], "x").await;
    let stem = url.strip_suffix("a%20b.png").unwrap().to_owned();
    for wrong in [
        format!("{stem}other.png"),
        url.replace("/b/", "/b/0"),
        "/files/b/0/a.png".to_owned(),
        "/files/b/..%2f..%2fetc/passwd".to_owned(),
    ] {
        let (status, code, _) = bench.get(&wrong, &[]).await.error();
        assert_eq!((status, code.as_str()), (404, "file_not_found"), "{wrong}");
    }
}

#[tokio::test]
async fn a_large_file_arrives_whole() {
    let bench = Bench::new().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at * 7 % 253) as u8).collect();
    let url = bench.upload(&[], bytes.clone()).await;
    assert_eq!(bench.get(&url, &[]).await.body, bytes);
    let part = bench.get(&url, &[("range", "bytes=1000000-2999998")]).await;
    assert_eq!(part.body, bytes[1_000_000..2_999_999]);
}
