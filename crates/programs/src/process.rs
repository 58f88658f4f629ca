//! Runs a program to its end, or to the end of the caller's patience.

use std::{
    io::{self, BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How often the caller is asked whether it still waits.
const TICK: Duration = Duration::from_millis(100);
/// What a program may print that is read at all.
const MAX_PRINTED: u64 = 16 << 20;
const MAX_LINE: usize = 1 << 20;

/// Whoever waits for a program; a closure that says whether to go on will do.
pub trait Caller {
    /// Whether to go on.
    fn wanted(&self) -> bool;

    /// Gets each line that it prints, and says whether to go on.
    fn heard(&mut self, line: &str) -> bool {
        let _ = line;
        true
    }
}

impl<F: Fn() -> bool> Caller for F {
    fn wanted(&self) -> bool {
        self()
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub success: bool,
    /// It wrote more than it may, and was ended for it.
    pub overflowed: bool,
    /// What it complained of: the end of it.
    pub errors: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("could not start {program}")]
    Start { program: String, source: io::Error },
    #[error("it was still running after {} seconds", limit.as_secs())]
    TooLong { limit: Duration },
    #[error("could not hear of its end")]
    Wait(#[source] io::Error),
    #[error("whoever asked for it has gone")]
    Cancelled,
}

/// Ends with whoever waits for it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Has ended already where all went well; walls die with the program that made them.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command`, for as long as `limit` and its caller allow.
pub fn run(command: &mut Command, limit: Duration, caller: &mut dyn Caller) -> Result<Ended, ProcessError> {
    let program = command.get_program().display().to_string();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut running = Running(child.map_err(|source| ProcessError::Start { program, source })?);
    let (Some(out), Some(err)) = (running.0.stdout.take(), running.0.stderr.take()) else { unreachable!("both piped") };
    let (sender, lines) = mpsc::sync_channel(64);
    thread::spawn(move || tell_lines(out, &sender));
    let errors = thread::spawn(move || tail(err));
    let deadline = Instant::now() + limit;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) if caller.heard(&line) => {}
            Ok(_) => return Err(ProcessError::Cancelled),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        check(caller, deadline, limit)?;
    }
    // It printed its last; most have ended by now.
    let status = loop {
        if let Some(status) = running.0.try_wait().map_err(ProcessError::Wait)? {
            break status;
        }
        check(caller, deadline, limit)?;
        thread::park_timeout(TICK / 10);
    };
    let (success, overflowed) = (status.success(), signal(status) == Some(FILE_SIZE_EXCEEDED));
    Ok(Ended { success, overflowed, errors: errors.join().unwrap_or_default() })
}

/// `SIGXFSZ`
const FILE_SIZE_EXCEEDED: i32 = 25;

/// What ended it; walls tell it as shells do.
fn signal(status: ExitStatus) -> Option<i32> {
    status.signal().or_else(|| status.code().and_then(|code| code.checked_sub(128)))
}

fn check(caller: &dyn Caller, deadline: Instant, limit: Duration) -> Result<(), ProcessError> {
    if !caller.wanted() {
        return Err(ProcessError::Cancelled);
    }
    if Instant::now() > deadline { Err(ProcessError::TooLong { limit }) } else { Ok(()) }
}

fn tell_lines(out: impl Read, sender: &mpsc::SyncSender<String>) {
    let mut reader = BufReader::new(out.take(MAX_PRINTED));
    let mut line = Vec::new();
    while let Ok(1..) = (&mut reader).take(MAX_LINE as u64).read_until(b'\n', &mut line) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if sender.send(text).is_err() {
            return;
        }
    }
    // Whatever it prints beyond is let go, so that it does not wait for a reader.
    let _ = io::copy(&mut reader.into_inner().into_inner(), &mut io::sink());
}

/// The last words, however many there were.
fn tail(mut from: impl Read) -> String {
    const KEPT: usize = 16 << 10;
    let (mut kept, mut block) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = from.read(&mut block) {
        kept.extend_from_slice(&block[..length]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Listener(Vec<String>);

    impl Caller for Listener {
        fn wanted(&self) -> bool {
            true
        }

        fn heard(&mut self, line: &str) -> bool {
            self.0.push(line.to_owned());
            true
        }
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_are_heard_and_complaints_kept() {
        let mut listener = Listener::default();
        let mut command = shell("echo one; echo two; echo wrong >&2; exit 3");
        let ended = run(&mut command, Duration::from_mins(1), &mut listener).unwrap();
        assert_eq!((ended.success, ended.errors.as_str()), (false, "wrong\n"));
        assert_eq!(listener.0, ["one", "two"]);
    }

    #[test]
    fn a_program_that_writes_too_much_is_ended_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let script = "ulimit -f 8 && exec dd if=/dev/zero of=\"$0\" bs=4096 count=9 status=none";
        let mut command = shell(script);
        command.arg(folder.path().join("large"));
        let ended = run(&mut command, Duration::from_mins(1), &mut || true).unwrap();
        assert!(ended.overflowed && !ended.success);
    }

    #[test]
    fn a_program_ends_when_its_caller_leaves_or_its_time_is_up() {
        let gone = run(&mut shell("exec sleep 600"), Duration::from_mins(1), &mut || false);
        assert!(matches!(gone.err(), Some(ProcessError::Cancelled)));
        let late = run(&mut shell("exec sleep 600"), Duration::ZERO, &mut || true);
        assert!(matches!(late.err(), Some(ProcessError::TooLong { .. })));
    }
}
