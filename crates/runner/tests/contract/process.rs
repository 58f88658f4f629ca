//! The runner as a process of its own: signals, and ends that take the process along.

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tempfile::TempDir;
use tintype_runner::{Listen, Options};
use tokio::{
    net::UnixStream,
    process::{Child, Command},
};

use crate::harness::send;

const SOCKET: &str = "TINTYPE_TEST_SOCKET";

/// Not a test: what `start` runs in a child process.
#[tokio::test]
#[ignore = "the body of a child process"]
async fn child() {
    let socket = PathBuf::from(std::env::var(SOCKET).unwrap());
    tintype_runner::run(Options::new("noop", Listen::Unix(socket))).await.unwrap();
}

async fn start(directory: &TempDir) -> (Child, PathBuf) {
    let socket = directory.path().join("runner.sock");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::child", "--ignored", "--nocapture"])
        .env(SOCKET, &socket)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    while UnixStream::connect(&socket).await.is_err() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended before it listened");
        tokio::task::yield_now().await;
    }
    (child, socket)
}

async fn post(socket: &Path, id: &str, path: &str, input: &Value) -> StatusCode {
    let request = Request::post(path).header("x-fal-request-id", id).body(Full::from(input.to_string()));
    send(socket, request.unwrap()).await.status
}

#[tokio::test]
async fn sigterm_lets_the_call_finish_and_ends_well() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, socket) = start(&directory).await;
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    let slow = json!({ "sleep_ms": 300 });
    let call = post(&socket, "r-1", "/", &slow);
    let stop = async {
        // A second call's answer means that the first has arrived too: it was sent before.
        post(&socket, "r-2", "/", &json!({})).await;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    };
    let (status, ()) = tokio::join!(call, stop);
    assert_eq!(status, StatusCode::OK);
    assert!(child.wait().await.unwrap().success());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_call_can_end_the_process_and_a_new_one_takes_the_socket_over() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, socket) = start(&directory).await;
    let request = Request::post("/").body(Full::from(json!({ "crash": "abort" }).to_string())).unwrap();
    let asked = tokio::spawn({
        let socket = socket.clone();
        async move { send(&socket, request).await }
    });
    assert_eq!(child.wait().await.unwrap().signal(), Some(6));
    assert!(asked.await.is_err());
    let (_child, socket) = start(&directory).await;
    assert_eq!(post(&socket, "r-2", "/", &json!({})).await, StatusCode::OK);
}
