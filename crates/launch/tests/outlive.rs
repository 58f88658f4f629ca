//! Runners that outlive the process that started them. A server is played by this same test program, started anew, so
//! that it can be killed; so is a shepherd.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Child, Command as Process, Stdio},
    time::Duration,
};

use tintype_domain::RunnerId;
use tintype_launch::{
    Command, ExitReason, Launcher, LocalLauncher, Occurrence, Readiness, Shepherds, Start, Started, Survivor,
};

/// Serves, tells its number, counts what it is asked, and writes whatever it is told to.
const RUNNER: &str = r#"
import os, socket, sys
server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()
print(os.getpid(), flush=True)
count = 0
while True:
    peer, _ = server.accept()
    line = peer.makefile().readline()
    if line.strip():
        count += 1
        print(line.strip(), count, flush=True)
        if line.startswith("exit"): os._exit(7)
        peer.sendall(b"%d\n" % count)
    peer.close()
"#;
const PLAYS: &str = "TINTYPE_TEST_PLAYS_SERVER_IN";

fn launcher(folder: &Path, patience: Duration) -> LocalLauncher {
    let args = ["a_shepherd", "--exact", "--ignored", "--nocapture", "--test-threads=1"].map(Into::into).into();
    let program = env::current_exe().unwrap();
    LocalLauncher::new(folder.join("run")).with_shepherds(Shepherds { program, args, patience })
}

fn start(mark: Option<&str>) -> Start {
    Start {
        runner: RunnerId::new("r1"),
        app: "acme/app".parse().unwrap(),
        command: Command {
            program: "/usr/bin/env".into(),
            args: ["python3", "-c", RUNNER, "{socket}"].map(Into::into).into(),
            env: vec![("PATH".into(), env::var("PATH").unwrap())],
            readiness: Readiness::Accept,
            ..Command::default()
        },
        startup_timeout: Duration::from_secs(60),
        memory_limit_bytes: None,
        grace: Duration::from_secs(10),
        mark: mark.map(Into::into),
    }
}

/// Not a test: what a shepherd of these tests runs.
#[test]
#[ignore = "a process of the other tests"]
fn a_shepherd() {
    tintype_launch::tend().unwrap();
}

/// Not a test: a server that takes a runner over or starts one, tells its number, and waits to be killed.
#[test]
#[ignore = "a process of the other tests"]
fn a_server() {
    let Some(folder) = env::var_os(PLAYS) else { return };
    let patience = Duration::from_millis(env::var("PATIENCE").unwrap().parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mark = env::var("MARK").ok();
        let launcher = launcher(Path::new(&folder), patience);
        let (mut started, pid) = if let Some(survivor) = launcher.adopt().await.pop() {
            (survivor.started, "of another server".to_owned())
        } else {
            let mut started = launcher.start(start(mark.as_deref())).await.unwrap();
            let pid = until_line(&mut started).await;
            (started, pid)
        };
        until_ready(&mut started).await;
        println!("\nrunner {pid}");
        std::future::pending::<()>().await;
    });
}

/// A server that was started, and the number of its runner.
fn server(folder: &Path, mark: Option<&str>, patience: Duration) -> (Child, String) {
    let mut process = Process::new(env::current_exe().unwrap());
    process.args(["a_server", "--exact", "--ignored", "--nocapture"]).env(PLAYS, folder);
    process.env("PATIENCE", patience.as_millis().to_string()).stdout(Stdio::piped());
    mark.map(|mark| process.env("MARK", mark));
    let mut server = process.spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let pid = lines.find_map(|line| line.strip_prefix("runner ").map(ToOwned::to_owned)).unwrap();
    (server, pid)
}

fn kill(mut server: Child) {
    server.kill().unwrap();
    server.wait().unwrap();
}

async fn until_line(started: &mut Started) -> String {
    loop {
        match started.occurrences.recv().await.unwrap() {
            Occurrence::Log { message, .. } => return message,
            Occurrence::Exited { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}

async fn until_ready(started: &mut Started) {
    loop {
        match started.occurrences.recv().await.unwrap() {
            Occurrence::Ready => return,
            Occurrence::Exited { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}

async fn until_end(started: &mut Started) -> (Vec<String>, ExitReason) {
    let mut lines = Vec::new();
    loop {
        match started.occurrences.recv().await.unwrap() {
            Occurrence::Log { message, .. } => lines.push(message),
            Occurrence::Exited { reason } => return (lines, reason),
            _ => {}
        }
    }
}

fn ask(folder: &Path, word: &str) -> String {
    let mut line = UnixStream::connect(folder.join("run/r1.sock")).unwrap();
    line.write_all(format!("{word}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(line).read_line(&mut answer).unwrap();
    answer.trim().to_owned()
}

fn alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn await_gone(pid: &str) {
    let gone = async {
        while alive(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the process is still there");
}

const LONG: Duration = Duration::from_secs(120);

async fn adopt(folder: &Path) -> Vec<Survivor> {
    let launcher = launcher(folder, LONG);
    let survivors = launcher.adopt().await;
    // Runners end with their launcher; these tests end before it matters to anybody.
    std::mem::forget(launcher);
    survivors
}

#[tokio::test]
async fn the_next_server_finds_the_same_process_with_its_memory_and_hears_what_it_wrote_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (first, pid) = server(dir.path(), Some("mark"), LONG);
    assert_eq!(ask(dir.path(), "before"), "1");
    kill(first);
    assert_eq!(ask(dir.path(), "between"), "2", "it serves on without a server");
    let mut survivors = adopt(dir.path()).await;
    let Survivor { runner, app, mark, mut started } = survivors.remove(0);
    assert_eq!((runner.as_str(), app.as_str(), mark.as_str()), ("r1", "acme/app", "mark"));
    assert!(survivors.is_empty() && alive(&pid));
    let mut line = until_line(&mut started).await;
    if line == "before 1" {
        // The first server was killed before it had read that.
        line = until_line(&mut started).await;
    }
    assert_eq!(line, "between 2");
    until_ready(&mut started).await;
    assert_eq!(ask(dir.path(), "after"), "3");
    assert_eq!(until_line(&mut started).await, "after 3");
    started.control.terminate();
    assert_eq!(until_end(&mut started).await.1, ExitReason::Clean);
    await_gone(&pid).await;
    assert_eq!(fs::read_dir(dir.path().join("run/kept")).unwrap().count(), 0, "nothing is left of it");
}

#[tokio::test]
async fn a_runner_lives_through_one_server_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let (first, pid) = server(dir.path(), Some("mark"), LONG);
    kill(first);
    for _ in 0..2 {
        let (next, whose) = server(dir.path(), Some("mark"), LONG);
        assert_eq!(whose, "of another server");
        assert!(alive(&pid));
        kill(next);
    }
    let mut started = adopt(dir.path()).await.remove(0).started;
    started.control.kill();
    assert_eq!(until_end(&mut started).await.1, ExitReason::Killed);
    await_gone(&pid).await;
}

#[tokio::test]
async fn an_end_between_two_servers_is_told_with_its_status_and_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let (first, pid) = server(dir.path(), Some("mark"), LONG);
    kill(first);
    ask(dir.path(), "exit");
    let mut started = adopt(dir.path()).await.remove(0).started;
    assert_eq!(until_end(&mut started).await, (vec!["exit 1".into()], ExitReason::Code(7)));
    await_gone(&pid).await;
}

#[tokio::test]
async fn a_runner_that_nobody_takes_over_in_time_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (first, pid) = server(dir.path(), Some("mark"), Duration::from_millis(200));
    kill(first);
    await_gone(&pid).await;
    assert!(adopt(dir.path()).await.is_empty());
}

#[tokio::test]
async fn a_runner_without_a_mark_dies_with_its_server() {
    let dir = tempfile::tempdir().unwrap();
    let (first, pid) = server(dir.path(), None, LONG);
    kill(first);
    await_gone(&pid).await;
    assert!(adopt(dir.path()).await.is_empty());
}

#[tokio::test]
async fn a_runner_dies_with_its_shepherd() {
    let dir = tempfile::tempdir().unwrap();
    let mut started = launcher(dir.path(), LONG).start(start(Some("mark"))).await.unwrap();
    let pid = until_line(&mut started).await;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let parent = stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap().to_owned();
    assert!(Process::new("kill").args(["-9", &parent]).status().unwrap().success());
    assert_eq!(until_end(&mut started).await.1, ExitReason::Signal(9));
    await_gone(&pid).await;
}

#[tokio::test]
async fn a_program_that_is_missing_is_told_as_without_a_shepherd() {
    let dir = tempfile::tempdir().unwrap();
    let mut missing = start(Some("mark"));
    missing.command.program = "/no/such/program".into();
    let error = launcher(dir.path(), LONG).start(missing).await.unwrap_err();
    assert_eq!(error.to_string(), "could not start `/no/such/program` for runner `r1`");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("No such file"), "{error:?}");
}

#[tokio::test]
async fn what_is_no_shepherd_is_not_taken_over_and_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("run/kept");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("file"), "{").unwrap();
    drop(UnixListener::bind(kept.join("dead")).unwrap());
    let liar = UnixListener::bind(kept.join("liar")).unwrap();
    let lies = std::thread::spawn(move || liar.accept().unwrap().0.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap());
    assert!(adopt(dir.path()).await.is_empty());
    lies.join().unwrap();
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 0);
}
