//! The command line as people and scripts use it, against a real server.

mod files;

use std::{
    ffi::OsStr,
    process::{Output, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tintype_testkit::TestApp;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(60);

const TINTYPE: &str = env!("CARGO_BIN_EXE_tintype");

fn command<S: AsRef<OsStr>>(app: &TestApp, words: &[S]) -> Command {
    prepared(Command::new(TINTYPE), app, words)
}

/// With signals as `env` is told to set them for it, whatever they are for this test.
fn under(app: &TestApp, signals: &str, words: &[&str]) -> Command {
    let mut env = Command::new("env");
    env.args([signals, TINTYPE]);
    prepared(env, app, words)
}

fn prepared<S: AsRef<OsStr>>(mut command: Command, app: &TestApp, words: &[S]) -> Command {
    command.args(words).env_remove("FAL_KEY").env_remove("TINTYPE_URL").env("TINTYPE_DATA", app.data());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn run(app: &TestApp, words: &[&str]) -> Output {
    timeout(PATIENCE, command(app, words).output()).await.expect("the command ends").unwrap()
}

/// What a command that succeeds prints.
async fn printed(app: &TestApp, words: &[&str]) -> String {
    let output = run(app, words).await;
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{words:?}: {out}{err}");
    out
}

async fn document(app: &TestApp, words: &[&str]) -> Value {
    serde_json::from_str(&printed(app, &[&["--json"], words].concat()).await).unwrap()
}

/// Status and error text of a command that fails.
async fn refused(app: &TestApp, words: &[&str]) -> (i32, String) {
    let output = run(app, words).await;
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_model_is_called_with_typed_values_and_its_answer_printed() {
    let app = TestApp::start().await;
    let answer = document(&app, &["run", "tintype/noop", "prompt=a b", "n=2", "inner.on=true"]).await;
    assert_eq!(answer, json!({"prompt": "a b", "n": 2, "inner": {"on": true}}));
    app.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_whole_answer() {
    let app = TestApp::start().await;
    let answer = document(&app, &["run", "tintype/noop", "a=1", "--stream"]).await;
    assert_eq!(answer["a"], 1);
    app.stop().await;
}

#[tokio::test]
async fn an_error_of_the_model_and_a_wrong_name_say_what_to_do() {
    let app = TestApp::start().await;
    let (status, text) = refused(&app, &["run", "tintype/noop", "status=422"]).await;
    assert_eq!(status, 1, "{text}");
    let (status, text) = refused(&app, &["run", "tintype/nop"]).await;
    assert!(status == 1 && text.contains("did you mean `tintype/noop`"), "{text}");
    let (status, text) = refused(&app, &["run", "tintype/noop", "prompt"]).await;
    assert!(status == 2 && text.contains("expected `key=value`"), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn requests_are_listed_shown_and_cancelled() {
    let app = TestApp::start().await;
    let id = printed(&app, &["run", "tintype/noop", "sleep_ms=60000", "--detach"]).await.trim().to_owned();
    let open = document(&app, &["requests", "list", "--open"]).await;
    assert_eq!(open["requests"][0]["request_id"], id.as_str());
    assert!(printed(&app, &["requests", "show", &id]).await.contains("tintype/noop"));
    printed(&app, &["requests", "cancel", &id]).await;
    app.completed("tintype/noop", &id).await;
    assert!(printed(&app, &["requests", "show", &id]).await.contains("cancelled"));
    assert!(refused(&app, &["requests", "show", "../keys"]).await.1.contains("is no request id"));
    app.stop().await;
}

/// A child that has begun to wait for its request, and the id of that.
async fn waiting(app: &TestApp, mut command: Command) -> (Child, String) {
    let child = command.spawn().unwrap();
    loop {
        let open = app.get("/v1/requests?open=1").await.body;
        if open["requests"][0]["status"] == "IN_PROGRESS" {
            return (child, open["requests"][0]["request_id"].as_str().unwrap().to_owned());
        }
        tokio::task::yield_now().await;
    }
}

fn kill(child: &Child, signal: Signal) {
    let child = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(child).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn whatever_ends_the_command_cancels_the_request_that_is_waited_for() {
    let app = TestApp::start().await;
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let command = under(&app, "--default-signal", &["run", "tintype/noop", "sleep_ms=60000"]);
        let (child, id) = waiting(&app, command).await;
        kill(&child, signal);
        let output = timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").unwrap();
        assert_eq!(output.status.code(), Some(status));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("Ctrl-C again ends") && told.contains(&format!("cancelled request {id}")), "{told}");
        app.completed("tintype/noop", &id).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_command_that_is_to_outlive_its_terminal_does() {
    let app = TestApp::start().await;
    let command = under(&app, "--ignore-signal=HUP", &["run", "tintype/noop", "sleep_ms=500"]);
    let (child, _) = waiting(&app, command).await;
    kill(&child, Signal::HUP);
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").unwrap();
    assert!(output.status.success(), "{output:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_key_opens_the_server_until_it_is_revoked() {
    let app = TestApp::start().await;
    let key = document(&app, &["keys", "create", "laptop"]).await["key"].as_str().unwrap().to_owned();
    let with_key = |words: &'static [&'static str]| {
        let mut command = command(&app, words);
        command.env("FAL_KEY", &key);
        async move { command.output().await.unwrap() }
    };
    assert!(with_key(&["run", "tintype/noop", "a=1"]).await.status.success());
    assert!(!with_key(&["keys", "list"]).await.status.success(), "an API key is no admin key");
    printed(&app, &["keys", "revoke", &key]).await;
    assert!(printed(&app, &["keys", "list"]).await.contains("laptop"));
    let denied = with_key(&["run", "tintype/noop", "a=1"]).await;
    assert!(String::from_utf8_lossy(&denied.stderr).contains("revoked"), "{denied:?}");
    app.stop().await;
}

#[tokio::test]
async fn models_are_listed_and_one_is_shown_with_its_input() {
    let app = TestApp::start().await;
    assert!(printed(&app, &["models"]).await.contains("tintype/sketch"));
    let one = printed(&app, &["models", "tintype/sketch"]).await;
    assert!(one.contains("prompt") && one.contains("required"), "{one}");
    assert!(refused(&app, &["models", "no/model"]).await.1.contains("`tintype models` lists them all"));
    let (status, text) = refused(&app, &["models", "--category", "foo"]).await;
    assert!(status == 1 && text.contains("`foo`: there are ") && text.contains("text-to-image"), "{text}");
    let (status, text) = refused(&app, &["models", "--search", "qqqzzz"]).await;
    assert!(status == 0 && text.contains("no model is like that"), "{text}");
    let text = refused(&app, &["models", "export", "tintype/sketch", "-o", "none.tar"]).await.1;
    assert!(text.contains("brings all that it needs"), "{text}");
    let text = refused(&app, &["models", "install", "fal-ai/flux/dev"]).await.1;
    assert!(text.contains("read the licence at http"), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn a_healthy_server_is_found_healthy_and_a_missing_one_not() {
    let app = TestApp::start().await;
    let found = document(&app, &["doctor"]).await;
    assert_eq!(found["healthy"], true, "{found}");
    let mut elsewhere = command(&app, &["doctor"]);
    let output = elsewhere.env("TINTYPE_URL", "http://127.0.0.1:9").output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && text.contains("start it with `tintype serve`"), "{text}");
    app.stop().await;
}

#[tokio::test]
async fn a_program_under_exec_is_answered_here_by_the_hosted_name() {
    let app = TestApp::start().await;
    let script = "curl -sS https://fal.run/tintype/noop -H \"Authorization: Key $FAL_KEY\" \
                  -H 'content-type: application/json' -d '{\"b\":2}'";
    assert_eq!(printed(&app, &["exec", "--", "sh", "-c", script]).await, "{\"b\":2}");
    assert_eq!(refused(&app, &["exec", "--", "sh", "-c", "exit 7"]).await.0, 7);
    assert_eq!(refused(&app, &["exec", "--", "no-such-program"]).await.0, 127);
    app.stop().await;
}

#[tokio::test]
async fn every_shell_gets_completions() {
    let app = TestApp::start().await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(printed(&app, &["completions", shell]).await.contains("requests"), "{shell}");
    }
    // The script is longer than a pipe holds, so that its writer finds out that the reader left.
    let mut early = command(&app, &["completions", "bash"]).spawn().unwrap();
    drop(early.stdout.take());
    let output = timeout(PATIENCE, early.wait_with_output()).await.expect("it ends").unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    app.stop().await;
}
