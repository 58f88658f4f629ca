//! Birth, files and death within walls.

use std::{fs, time::Duration};

use tintype_domain::RunnerId;
use tintype_launch::{
    Address, Bind, ExitReason, HealthCheck, Launcher, Occurrence, Readiness, Sandboxing, StartError, Started,
};

use crate::house::{House, end, first_line, sandbox_of};

const SERVER: &str = r#"
import os, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *a: (print("draining", flush=True), signal.signal(signal.SIGTERM, signal.SIG_DFL), os.kill(os.getpid(), signal.SIGTERM)))
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
asked = 0
while True:
    peer, _ = server.accept()
    head = peer.recv(1000)
    if head:
        asked += 1
        status = b"200 OK" if asked < 3 else b"500 Broken"
        print(head.split(b"\r\n")[0].decode(), flush=True)
        peer.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
    peer.close()
"#;

async fn await_ready(started: &mut Started) {
    while let Some(occurrence) = started.occurrences.recv().await {
        match occurrence {
            Occurrence::Ready => return,
            Occurrence::Exited { reason } => panic!("{reason}"),
            _ => {}
        }
    }
    panic!("the occurrences ended");
}

#[tokio::test]
async fn a_runner_that_takes_connections_is_ready_drains_and_leaves_nothing() {
    let Some(house) = House::new() else { return };
    let mut start = house.python(SERVER);
    start.command.readiness = Readiness::Accept;
    let mut started = house.launcher.start(start).await.unwrap();
    await_ready(&mut started).await;
    let Address::Unix(socket) = started.address.clone() else { panic!("not a Unix socket") };
    assert_eq!(socket, house.path("run/r1/http.sock"));
    started.control.terminate();
    let (text, reason) = end(&mut started).await;
    assert_eq!((text.as_str(), reason), ("draining\n", ExitReason::Clean));
    let left = || house.path("run/r1").exists() || house.path("scratch/r1").exists();
    let gone = async {
        while left() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("its files are still there");
}

#[tokio::test]
async fn a_configured_check_is_asked_and_its_failure_told() {
    let Some(house) = House::new() else { return };
    let mut start = house.python(SERVER);
    start.command.readiness = Readiness::Accept;
    start.command.health = Some(HealthCheck {
        method: http::Method::POST,
        path: "/healthy".into(),
        start_period: Duration::ZERO,
        timeout: Duration::from_secs(5),
        failure_threshold: 2,
        regularly: true,
    });
    let mut started = house.launcher.start(start).await.unwrap();
    await_ready(&mut started).await;
    let mut asked = Vec::new();
    while let Some(occurrence) = started.occurrences.recv().await {
        match occurrence {
            Occurrence::Log { message, .. } => asked.push(message),
            Occurrence::Unhealthy { detail } => {
                assert_eq!(detail, "the health check answered with status 500");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(asked.len() >= 3 && asked.iter().all(|line| line == "POST /healthy HTTP/1.1"), "{asked:?}");
}

#[tokio::test]
async fn a_check_on_demand_is_asked_only_then_and_one_failure_is_enough() {
    let Some(house) = House::new() else { return };
    let mut start = house.python(&SERVER.replace("asked < 3", "asked < 1"));
    start.command.readiness = Readiness::Accept;
    start.command.health = Some(HealthCheck {
        method: http::Method::GET,
        path: "/healthy".into(),
        start_period: Duration::ZERO,
        timeout: Duration::from_secs(5),
        failure_threshold: 100,
        regularly: false,
    });
    let mut started = house.launcher.start(start).await.unwrap();
    await_ready(&mut started).await;
    started.control.check();
    assert_eq!(first_line(&mut started).await, "GET /healthy HTTP/1.1");
    let told = started.occurrences.recv().await;
    assert!(matches!(told, Some(Occurrence::Unhealthy { .. })), "{told:?}");
}

#[tokio::test]
async fn the_copy_is_private_and_the_volume_is_shared() {
    let Some(house) = House::new() else { return };
    let script = "cat file; echo; echo changed > file; echo kept > /data/file; pwd; echo $HOME $FAL_KEY; echo x > $HOME/x && echo wrote";
    let (text, reason) = house.run(house.shell(script)).await;
    assert_eq!(text, "of the app\n/app\n/tmp/home secret\nwrote\n");
    assert_eq!(reason, ExitReason::Clean);
    assert_eq!(fs::read_to_string(house.path("app/file")).unwrap(), "of the app");
    assert_eq!(fs::read_to_string(house.path("volume/file")).unwrap(), "kept\n");
}

#[tokio::test]
async fn a_signal_inside_is_told_as_a_signal_and_a_status_as_a_status() {
    let Some(house) = House::new() else { return };
    assert_eq!(house.run(house.shell("kill -SEGV $$")).await.1, ExitReason::Signal(11));
    let mut start = house.shell("exit 7");
    start.runner = RunnerId::new("r2");
    assert_eq!(house.run(start).await.1, ExitReason::Code(7));
}

#[tokio::test]
async fn a_job_has_no_startup_timeout() {
    let Some(house) = House::new() else { return };
    let mut start = house.shell("sleep 0.3; echo result > /data/result");
    start.startup_timeout = Duration::from_millis(50);
    assert_eq!(house.run(start).await.1, ExitReason::Clean);
    assert_eq!(fs::read_to_string(house.path("volume/result")).unwrap(), "result\n");
}

#[tokio::test]
async fn a_missing_source_is_named() {
    let Some(house) = House::new() else { return };
    let mut start = house.shell("true");
    let missing = Bind { from: "/no/such/venv".into(), to: "/venv".into(), writable: false };
    sandbox_of(&mut start).binds.push(missing);
    let (text, reason) = house.run(start).await;
    assert!(text.contains("/no/such/venv"), "{text}");
    assert_eq!(reason, ExitReason::Code(1));
}

#[tokio::test]
async fn a_machine_without_gpus_says_so() {
    let house = House::with(Sandboxing::Off);
    let mut start = house.shell("true");
    start.command.gpus = 99;
    let error = house.launcher.start(start).await.unwrap_err();
    assert!(matches!(error, StartError::TooFewGpus { wanted: 99, .. }), "{error}");
}

#[tokio::test]
async fn without_walls_the_same_command_finds_its_files() {
    let house = House::with(Sandboxing::Off);
    let script = "cat file; echo changed > file; echo kept > \"$WHERE/file\"";
    let mut start = house.shell(script);
    start.command.env.push(("WHERE".into(), "/data".into()));
    start.command.env.push(("PATH".into(), "/usr/bin:/bin".into()));
    let (text, reason) = house.run(start).await;
    assert_eq!((text.as_str(), reason), ("of the app\n", ExitReason::Clean));
    assert_eq!(fs::read_to_string(house.path("app/file")).unwrap(), "of the app");
    assert_eq!(fs::read_to_string(house.path("volume/file")).unwrap(), "kept\n");
}
