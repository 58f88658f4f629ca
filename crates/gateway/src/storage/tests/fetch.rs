//! What runners get for the URLs of requests.

use http::StatusCode;
use serde_json::{Value, json};
use tintype_outbound::{Policy, Reach};

use super::bench::{Answer, BASE, Bench};

async fn fetch(bench: &Bench, url: &str, max_bytes: Option<u64>) -> Answer {
    let token = bench.token().await;
    let body = json!({"url": url, "max_bytes": max_bytes}).to_string();
    bench.call_inside("/fetch", &[("authorization", &token)], body).await
}

fn problem(answer: &Answer) -> (String, Value) {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let error = answer.json()["detail"][0].clone();
    assert!(error["loc"].is_array() && error["msg"].is_string());
    (error["type"].as_str().unwrap().to_owned(), error)
}

#[tokio::test]
async fn own_files_are_read_directly_under_every_name_of_the_server() {
    let bench = Bench::new().await;
    let url = bench.upload(&[("content-type", "image/png")], "pixels").await;
    let path = url.strip_prefix(BASE).unwrap();
    for name in
        ["http://127.0.0.1:8700", "http://localhost:9999/cdn", "https://v3.fal.media", "https://fal.example.com"]
    {
        let got = fetch(&bench, &format!("{name}{path}"), None).await;
        assert_eq!((got.status, &got.body[..]), (StatusCode::OK, &b"pixels"[..]), "{name}");
        assert_eq!((got.header("content-type"), got.header("content-length")), ("image/png", "6"));
    }
}

#[tokio::test]
async fn own_files_are_read_as_the_caller_may() {
    let bench = Bench::new().await;
    let hidden = r#"{"initial_acl": {"default": "hide"}}"#;
    let mine = bench.upload(&[("x-fal-object-lifecycle", hidden)], "mine").await;
    assert_eq!(fetch(&bench, &mine, None).await.body, "mine");
    let stranger = bench.key_of("stranger").await;
    let body = json!({"url": mine}).to_string();
    let theirs = bench.call_inside("/fetch", &[("authorization", &stranger)], body).await;
    assert_eq!(problem(&theirs).0, "file_download_error");
}

#[tokio::test]
async fn what_is_too_large_says_how_much_is_allowed() {
    let bench = Bench::new().await;
    let url = bench.upload(&[], "0123456789").await;
    let (kind, error) = problem(&fetch(&bench, &url, Some(9)).await);
    assert_eq!((kind.as_str(), &error["ctx"]), ("file_too_large", &json!({"max_size": 9})));
}

#[tokio::test]
async fn what_cannot_be_fetched_is_the_callers_error_and_says_why() {
    let bench = Bench::new().await;
    let gone = format!("{BASE}/files/b/{}/a.png", "0".repeat(32));
    for (url, expected) in [
        ("http://169.254.169.254/latest/meta-data", "link-local address"),
        ("http://127.0.0.1:22/", "loopback address"),
        ("http://localhost:8700/v1/keys", "loopback address"),
        ("file:///etc/passwd", "only http and https"),
        ("nonsense", "not a URL"),
        (&gone, "no such file"),
    ] {
        let (kind, error) = problem(&fetch(&bench, url, None).await);
        assert_eq!(kind, "file_download_error", "{url}");
        assert!(error["msg"].as_str().unwrap().contains(expected), "{url}: {error}");
        assert_eq!(error["input"], url);
    }
}

#[tokio::test]
async fn runners_need_the_token_of_their_request() {
    let bench = Bench::new().await;
    assert_eq!(bench.call_inside("/fetch", &[], r#"{"url": "http://x"}"#).await.error().0, 401);
    assert_eq!(bench.call_inside("/files/upload", &[], "x").await.error().0, 401);
    let token = bench.token().await;
    let stored = bench.call_inside("/files/upload", &[("authorization", &token)], "output").await.json();
    assert_eq!(bench.get(stored["access_url"].as_str().unwrap(), &[]).await.body, "output");
}

#[tokio::test]
async fn an_operator_who_allows_it_has_inner_addresses_fetched() {
    let reach = Reach { allow: vec!["127.0.0.1/32".parse().unwrap()], ..Reach::NOWHERE };
    let bench = Bench::with(Policy { downloads: reach, ..Policy::offline() }).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.txt", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/a.txt", axum::routing::get(|| async { "inner" }));
    tokio::spawn(async move { axum_serve(listener, app).await });
    assert_eq!(fetch(&bench, &url, None).await.body, "inner");
}

async fn axum_serve(listener: tokio::net::TcpListener, app: axum::Router) {
    use hyper_util::{
        rt::{TokioExecutor, TokioIo},
        service::TowerToHyperService,
    };
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(app.clone());
        let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        tokio::spawn(async move { builder.serve_connection(TokioIo::new(stream), service).await.is_ok() });
    }
}
