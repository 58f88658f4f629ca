//! A second process inside.

use tintype_domain::RunnerId;
use tintype_launch::{Exec, ExecError, Input, Launcher, Output, Session, Started};

use crate::house::{House, first_line};

async fn all(session: &mut Session) -> (String, i32) {
    let mut text = String::new();
    while let Some(output) = session.output.recv().await {
        match output {
            Output::Stdout(bytes) | Output::Stderr(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Output::Exited(code) => return (text, code),
        }
    }
    panic!("the end was not told: {text}");
}

async fn up(house: &House) -> Started {
    let mut started = house.launcher.start(house.shell("echo up; exec sleep 1000")).await.unwrap();
    assert_eq!(first_line(&mut started).await, "up");
    started
}

fn shell(script: &str) -> Exec {
    Exec { argv: ["/bin/sh", "-c", script].map(ToOwned::to_owned).into(), ..Exec::default() }
}

#[tokio::test]
async fn a_shell_may_make_no_calls_that_its_runner_may_not() {
    let Some(house) = House::new() else { return };
    let _started = up(&house).await;
    let asked = shell("grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status");
    let mut session = house.launcher.exec(&RunnerId::new("r1"), asked).await.unwrap();
    assert_eq!(all(&mut session).await, ("NoNewPrivs:\t1\nSeccomp:\t2\n".into(), 0));
}

#[tokio::test]
async fn a_command_sees_what_the_runner_sees_and_no_more() {
    let Some(house) = House::new() else { return };
    let _started = up(&house).await;
    let script = "pwd; id -u; cat /app/file; echo; echo $FAL_KEY; ls /proc | grep -c '^[0-9]'; \
                  grep -E 'CapEff|NoNewPrivs' /proc/self/status; ls /home; exit 9";
    let mut session = house.launcher.exec(&RunnerId::new("r1"), shell(script)).await.unwrap();
    let (text, code) = all(&mut session).await;
    assert!(text.starts_with("/app\n1000\nof the app\nsecret\n"), "{text}");
    assert!(text.contains("CapEff:\t0000000000000000") && text.contains("NoNewPrivs:\t1"), "{text}");
    assert!(text.contains("No such file") && code == 9, "{code}: {text}");
    let processes: u32 = text.lines().nth(4).unwrap().parse().unwrap();
    assert!(processes < 10, "{text}");
}

#[tokio::test]
async fn input_is_read_and_its_end_seen() {
    let Some(house) = House::new() else { return };
    let _started = up(&house).await;
    let mut session = house.launcher.exec(&RunnerId::new("r1"), shell("cat >&2")).await.unwrap();
    session.input.send(Input::Data(b"back".to_vec())).await.unwrap();
    session.input.send(Input::Close).await.unwrap();
    assert_eq!(all(&mut session).await, ("back".into(), 0));
}

#[tokio::test]
async fn a_terminal_is_one_and_knows_its_size() {
    let Some(house) = House::new() else { return };
    let _started = up(&house).await;
    let script = "test -t 0 && echo terminal; stty size; read line; stty size; echo got $line";
    let exec = Exec { tty: Some((24, 80)), ..shell(script) };
    let mut session = house.launcher.exec(&RunnerId::new("r1"), exec).await.unwrap();
    let mut text = String::new();
    while !text.contains("24 80") {
        match session.output.recv().await {
            Some(Output::Stdout(bytes)) => text.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{other:?}: {text}"),
        }
    }
    session.input.send(Input::Resize { rows: 40, columns: 100 }).await.unwrap();
    session.input.send(Input::Data(b"word\n".to_vec())).await.unwrap();
    let (rest, code) = all(&mut session).await;
    assert!(text.contains("terminal") && rest.contains("40 100") && rest.contains("got word"), "{text}{rest}");
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_session_ends_with_its_listener_and_with_its_runner() {
    let Some(house) = House::new() else { return };
    let started = up(&house).await;
    let id = RunnerId::new("r1");
    let mut session = house.launcher.exec(&id, shell("echo here; sleep 1000")).await.unwrap();
    assert_eq!(session.output.recv().await, Some(Output::Stdout(b"here\n".to_vec())));
    drop(started);
    let (_, code) = all(&mut session).await;
    assert_ne!(code, 0);
    let error = house.launcher.exec(&RunnerId::new("r2"), Exec::default()).await.unwrap_err();
    assert!(matches!(error, ExecError::Unknown { .. }), "{error}");
}
