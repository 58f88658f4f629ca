//! A server from start to stop and to the next start, with real runners.

use std::{fs, sync::Arc};

use serde_json::json;
use tintype_domain::SystemClock;
use tintype_server::{Options, Server, Surroundings, notice, paths};
use tintype_testkit::{KEY, TestApp};

#[tokio::test]
async fn a_direct_call_and_a_queued_one_reach_a_real_runner() {
    let app = TestApp::start().await;
    let answer = app.post("/tintype/noop", &json!({"a": 1})).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &json!({"a": 1})));
    let submitted = app.post("/queue/tintype/noop", &json!({"b": 2})).await.body;
    let id = submitted["request_id"].as_str().unwrap().to_owned();
    assert_eq!(app.completed("tintype/noop", &id).await.body["status"], "COMPLETED");
    assert_eq!(app.get(&format!("/queue/tintype/noop/requests/{id}")).await.body, json!({"b": 2}));
    app.stop().await;
}

#[tokio::test]
async fn what_waits_when_a_server_stops_is_done_by_the_next_one() {
    let app =
        TestApp::start_with(|options| options.stop_grace = std::time::Duration::ZERO, Arc::new(SystemClock)).await;
    let submitted = app.post("/queue/tintype/noop", &json!({"sleep_ms": 2000, "n": 5})).await.body;
    let id = submitted["request_id"].as_str().unwrap().to_owned();
    let folder = app.stop().await;
    let next = TestApp::start_in(folder, |_| {}, Arc::new(SystemClock)).await;
    assert_eq!(next.completed("tintype/noop", &id).await.body["status"], "COMPLETED");
    let result = next.get(&format!("/queue/tintype/noop/requests/{id}")).await;
    assert_eq!(result.body["n"], 5);
    next.stop().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_with_the_first_ones_process() {
    let app = TestApp::start().await;
    let mut options = Options::with_data(app.data());
    options.listen = ([127, 0, 0, 1], 0).into();
    let surroundings = Surroundings { program: "/nonexistent".into(), clock: Arc::new(SystemClock) };
    let Err(error) = Server::start(options, surroundings).await else { panic!("two servers on one folder") };
    let text = error.to_string();
    assert!(text.contains("is in use by another server") && text.contains(&std::process::id().to_string()), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let app = TestApp::start().await;
    let other = tempfile::tempdir().unwrap();
    let mut options = Options::with_data(other.path().join("data"));
    options.listen = app.server().address();
    let surroundings = Surroundings { program: "/nonexistent".into(), clock: Arc::new(SystemClock) };
    let Err(error) = Server::start(options, surroundings).await else { panic!("two servers on one port") };
    assert!(error.to_string().contains("choose another address with `--listen"), "{error}");
    app.stop().await;
}

#[tokio::test]
async fn the_folder_says_where_the_server_is_and_nobody_else_may_look() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::start().await;
    assert_eq!(notice::read(&app.data()).unwrap().url, app.server().url());
    assert_eq!(fs::read_to_string(paths::key_file(&app.data())).unwrap().trim(), KEY);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!(mode(&app.data()), 0);
    for name in ["key", "secrets/tokens", "secrets/links", "secrets/webhooks", "tls/authority-key.pem"] {
        assert_eq!(mode(&app.data().join(name)), 0, "{name}");
    }
    let data = app.data();
    let folder = app.stop().await;
    assert!(notice::read(&data).is_none());
    drop(folder);
}

#[tokio::test]
async fn an_alias_of_the_operator_is_answered_by_its_model() {
    let bind = |options: &mut Options| {
        options.aliases.insert("fal-ai/aura-flow".into(), "tintype/noop".into());
    };
    let app = TestApp::start_with(bind, Arc::new(SystemClock)).await;
    assert_eq!(app.post("/fal-ai/aura-flow", &json!({"x": 1})).await.body, json!({"x": 1}));
    app.stop().await;
}

#[tokio::test]
async fn an_alias_into_the_void_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::with_data(folder.path().join("data"));
    options.listen = ([127, 0, 0, 1], 0).into();
    options.aliases.insert("fal-ai/x".into(), "tintype/skecth".into());
    let surroundings = Surroundings { program: "/nonexistent".into(), clock: Arc::new(SystemClock) };
    let Err(error) = Server::start(options, surroundings).await else { panic!("an alias into the void") };
    assert!(error.to_string().contains("tintype/skecth"), "{error}");
}
