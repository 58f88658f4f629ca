//! Real children: what the launcher says of them, and that nothing of them is left.

use std::{fs, path::Path, process, time::Duration};

use tempfile::TempDir;
use tintype_domain::{LogLevel, RunnerId};
use tintype_launch::{
    Address, Command, ExitReason, Launcher, LocalLauncher, Occurrence, Pace, Start, StartError, Started,
};

/// Serves `/health`; `health` is Python that returns the status and may do worse.
const SERVER: &str = r#"
import http.server, os, signal, socketserver, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        status, body = health(Handler.asked)
        self.send_response(status); self.end_headers(); self.wfile.write(body)
    def log_message(self, *args): pass
    def address_string(self): return ""
class Server(socketserver.UnixStreamServer): pass
"#;

struct Fixture {
    dir: TempDir,
    launcher: LocalLauncher,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pace = Pace { period: Duration::from_millis(20), timeout: Duration::from_millis(200), ..Pace::default() };
        let launcher = LocalLauncher::new(dir.path().join("run")).with_pace(pace);
        Self { dir, launcher }
    }

    fn shell(script: &str) -> Start {
        Self::start("/bin/sh", &["-c", script, "sh", "{socket}"])
    }

    fn python(script: &str) -> Start {
        let script = format!("{SERVER}\n{script}\nServer(sys.argv[1], Handler).serve_forever()");
        Self::start("/usr/bin/env", &["python3", "-c", &script, "{socket}"])
    }

    fn start(program: &str, args: &[&str]) -> Start {
        let path = ("PATH".to_owned(), std::env::var("PATH").unwrap());
        Start {
            runner: RunnerId::new("r1"),
            app: "acme/app".parse().unwrap(),
            command: Command {
                program: program.into(),
                args: args.iter().map(ToString::to_string).collect(),
                env: vec![path],
                ..Command::default()
            },
            startup_timeout: Duration::from_secs(30),
            memory_limit_bytes: None,
            grace: Duration::from_secs(10),
            mark: None,
        }
    }

    async fn launch(&self, start: Start) -> Started {
        self.launcher.start(start).await.unwrap()
    }
}

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

/// Everything up to the end; the last is the reason.
async fn drain(started: &mut Started) -> (Vec<Occurrence>, ExitReason) {
    let mut all = Vec::new();
    while let Some(occurrence) = started.occurrences.recv().await {
        if let Occurrence::Exited { reason } = occurrence {
            assert_eq!(started.occurrences.recv().await, None, "something follows the end");
            return (all, reason);
        }
        all.push(occurrence);
    }
    panic!("the end was not told: {all:?}");
}

fn alive(pid: &str) -> bool {
    // A zombie that its new parent has not reaped yet counts as gone.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn await_gone(pid: &str) {
    let gone = async {
        while alive(pid) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the process is still there");
}

#[tokio::test]
async fn a_runner_becomes_ready_drains_and_leaves_no_socket() {
    let fixture = Fixture::new();
    let script = "signal.signal(signal.SIGTERM, lambda *a: os._exit(0))\nhealth = lambda n: (200, b'')";
    let mut started = fixture.launch(Fixture::python(script)).await;
    await_ready(&mut started).await;
    let Address::Unix(socket) = started.address.clone() else { panic!("not a Unix socket") };
    assert!(socket.exists());
    started.control.terminate();
    assert_eq!(drain(&mut started).await.1, ExitReason::Clean);
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_start_tells_what_the_health_check_says_meanwhile() {
    let fixture = Fixture::new();
    let script = "health = lambda n: (503, b'loading weights') if n < 3 else (200, b'')";
    let mut started = fixture.launch(Fixture::python(script)).await;
    let mut details = Vec::new();
    while let Some(occurrence) = started.occurrences.recv().await {
        match occurrence {
            Occurrence::Stage { detail: Some(detail), .. } => details.push(detail),
            Occurrence::Ready => break,
            _ => {}
        }
    }
    assert_eq!(details, ["loading weights"]);
}

#[tokio::test]
async fn the_environment_is_exactly_what_was_given() {
    let fixture = Fixture::new();
    let mut start = Fixture::shell("/usr/bin/env; exit 3");
    start.command.env = vec![("ONLY".into(), "this".into())];
    let mut started = fixture.launch(start).await;
    let (all, reason) = drain(&mut started).await;
    let lines: Vec<_> = all.iter().filter_map(|o| message(o, LogLevel::Stdout)).collect();
    assert!(lines.contains(&"ONLY=this"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("HOME=") || line.starts_with("CARGO")), "{lines:?}");
    assert_eq!(reason, ExitReason::Code(3));
}

fn message(occurrence: &Occurrence, wanted: LogLevel) -> Option<&str> {
    match occurrence {
        Occurrence::Log { level, message, .. } if *level == wanted => Some(message),
        _ => None,
    }
}

#[tokio::test]
async fn a_runner_that_ignores_sigterm_is_killed_after_its_grace_with_its_children() {
    let fixture = Fixture::new();
    let mut start = Fixture::shell("trap '' TERM; sleep 1000 & echo child $!; while true; do wait; done");
    start.grace = Duration::from_millis(50);
    let mut started = fixture.launch(start).await;
    let child = first_line(&mut started).await.replace("child ", "");
    started.control.terminate();
    assert_eq!(drain(&mut started).await.1, ExitReason::Killed);
    await_gone(&child).await;
}

async fn first_line(started: &mut Started) -> String {
    while let Some(occurrence) = started.occurrences.recv().await {
        if let Some(line) = message(&occurrence, LogLevel::Stdout) {
            return line.to_owned();
        }
    }
    panic!("no line");
}

#[tokio::test]
async fn a_runner_that_never_answers_runs_into_the_startup_timeout() {
    let fixture = Fixture::new();
    let mut start = Fixture::shell("exec sleep 1000");
    start.startup_timeout = Duration::from_millis(50);
    let mut started = fixture.launch(start).await;
    assert_eq!(drain(&mut started).await.1, ExitReason::StartupTimeout);
}

#[tokio::test]
async fn a_signal_from_outside_is_named() {
    let fixture = Fixture::new();
    let mut started = fixture.launch(Fixture::shell("kill -SEGV $$")).await;
    assert_eq!(drain(&mut started).await.1, ExitReason::Signal(11));
}

#[tokio::test]
async fn a_runner_above_its_memory_limit_is_killed_and_the_limit_named() {
    let fixture = Fixture::new();
    let mut start = Fixture::python("hoard = bytearray(os.urandom(1024)) * (96 * 1024)\nhealth = lambda n: (200, b'')");
    start.memory_limit_bytes = Some(64 << 20);
    let mut started = fixture.launch(start).await;
    assert_eq!(drain(&mut started).await.1, ExitReason::OutOfMemory { limit_bytes: 64 << 20 });
}

#[tokio::test]
async fn a_runner_that_hangs_is_reported_unhealthy_and_can_be_killed() {
    let fixture = Fixture::new();
    let script = "health = lambda n: (200, b'') if n < 2 else time.sleep(1000)";
    let mut started = fixture.launch(Fixture::python(script)).await;
    await_ready(&mut started).await;
    let unhealthy = started.occurrences.recv().await.unwrap();
    assert!(
        matches!(&unhealthy, Occurrence::Unhealthy { detail } if detail.contains("did not answer")),
        "{unhealthy:?}"
    );
    started.control.kill();
    assert_eq!(drain(&mut started).await.1, ExitReason::Killed);
}

#[tokio::test]
async fn a_runner_that_nobody_holds_any_more_is_killed() {
    let fixture = Fixture::new();
    let mut started = fixture.launch(Fixture::shell("echo $$; exec sleep 1000")).await;
    let pid = first_line(&mut started).await;
    assert!(alive(&pid));
    drop(started);
    await_gone(&pid).await;
}

#[tokio::test]
async fn a_runner_dies_with_the_launcher_that_started_it() {
    let fixture = Fixture::new();
    let mut started = fixture.launch(Fixture::shell("echo $$; exec sleep 1000")).await;
    let pid = first_line(&mut started).await;
    drop(fixture.launcher);
    assert!(matches!(drain(&mut started).await.1, ExitReason::Signal(9)));
    await_gone(&pid).await;
}

#[tokio::test]
async fn a_port_is_given_where_one_is_asked_for() {
    let fixture = Fixture::new();
    let mut started = fixture.launch(Fixture::start("/bin/sh", &["-c", "echo $1", "sh", "{port}"])).await;
    let Address::Tcp(address) = started.address else { panic!("not a port") };
    assert_eq!(first_line(&mut started).await, address.port().to_string());
}

#[tokio::test]
async fn a_missing_program_and_a_long_path_are_told_at_once() {
    let fixture = Fixture::new();
    let error = fixture.launcher.start(Fixture::start("/no/such/program", &[])).await.unwrap_err();
    assert_eq!(error.to_string(), "could not start `/no/such/program` for runner `r1`");
    let deep = fixture.dir.path().join("x".repeat(100));
    let error = LocalLauncher::new(deep).start(Fixture::shell("true")).await.unwrap_err();
    assert!(matches!(error, StartError::SocketPath { length: 108.., .. }), "{error}");
}

#[test]
fn the_test_process_itself_is_seen_as_alive() {
    assert!(Path::new("/proc").exists() && alive(&process::id().to_string()));
}
