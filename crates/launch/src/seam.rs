//! What is asked of a launcher and what it tells.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tintype_domain::{AppId, LogLevel, RequestId, RunnerId};
use tokio::sync::{mpsc, watch};

use crate::{Command, Exec, ExecError, Session};

/// Where a runner serves HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// One runner to start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    pub runner: RunnerId,
    pub app: AppId,
    pub command: Command,
    /// From start to ready; then the runner is killed.
    pub startup_timeout: Duration,
    /// Resident memory of the runner and its children together; beyond it the runner is killed.
    pub memory_limit_bytes: Option<u64>,
    /// From SIGTERM to SIGKILL.
    pub grace: Duration,
    /// By this the next server knows whether a runner is one that it would start itself. Where there is one, and the
    /// launcher can, a runner that is ready outlives a server that dies; else it ends with its server.
    pub mark: Option<String>,
}

/// What happens to a runner. `Exited` is always sent, and last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// Progress of a start, for whoever waits for it.
    Stage {
        name: &'static str,
        detail: Option<String>,
    },
    /// The health check passed for the first time.
    Ready,
    Log {
        level: LogLevel,
        message: String,
        request: Option<RequestId>,
        /// The endpoint path that the line says it belongs to.
        endpoint: Option<String>,
    },
    /// It was ready and has stopped answering its health check. The launcher only tells; who asked for the runner
    /// decides.
    Unhealthy {
        detail: String,
    },
    Exited {
        reason: ExitReason,
    },
}

/// Why a runner is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It ended by itself with status 0, or because it was asked to.
    Clean,
    Code(i32),
    Signal(i32),
    OutOfMemory {
        limit_bytes: u64,
    },
    StartupTimeout,
    /// Its `/tmp`, `HOME` and copies together.
    ScratchFull {
        limit_bytes: u64,
    },
    TooManyProcesses {
        limit: u32,
    },
    /// The server's disk is nearly full, and it went on writing.
    DiskFull {
        free_bytes: u64,
    },
    /// The platform killed it.
    Killed,
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("the runner ended in good order"),
            Self::Code(code) => write!(f, "the runner exited with status {code}"),
            Self::Signal(9) => {
                f.write_str("the runner was killed from outside (SIGKILL), perhaps by the kernel for want of memory")
            }
            Self::Signal(signal) => write!(f, "the runner died of signal {signal}{}", signal_name(*signal)),
            Self::OutOfMemory { limit_bytes } => {
                write!(f, "the runner used more than its memory limit of {} MiB", limit_bytes >> 20)
            }
            Self::StartupTimeout => f.write_str("the runner was not ready within its startup timeout"),
            Self::ScratchFull { limit_bytes } => write!(
                f,
                "the runner wrote more than the {} MiB that its private files may take (/tmp, /app and HOME together)",
                limit_bytes >> 20
            ),
            Self::DiskFull { free_bytes } => write!(
                f,
                "the runner went on writing while the server's disk had {} MiB left: remove files from /data, or give \
                 the server more room",
                free_bytes >> 20
            ),
            Self::TooManyProcesses { limit } => {
                write!(f, "the runner had more than the {limit} processes and threads that it may have")
            }
            Self::Killed => f.write_str("the platform killed the runner"),
        }
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL, illegal instruction)",
        6 => " (SIGABRT, abort)",
        7 => " (SIGBUS, bus error)",
        8 => " (SIGFPE, arithmetic error)",
        11 => " (SIGSEGV, segmentation fault)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("could not start `{program}` for runner `{runner}`")]
    Spawn { runner: RunnerId, program: String, source: std::io::Error },
    #[error(
        "the path of a runner's socket, `{path}`, is {length} bytes long: at most 107 are possible; \
         choose a data folder with a shorter path"
    )]
    SocketPath { path: String, length: usize },
    #[error("could not prepare runner `{runner}`: {reason}")]
    Prepare { runner: RunnerId, reason: String },
    #[error("the launcher is shut")]
    Closed,
    #[error("a sandbox is required for runner `{runner}`, and this machine makes none: {problem}; {advice}")]
    NoSandbox { runner: RunnerId, problem: String, advice: String },
    #[error("runner `{runner}` asks for {wanted} GPUs and this machine has {present}")]
    TooFewGpus { runner: RunnerId, wanted: u32, present: u32 },
    #[error("runner `{runner}` waits for {wanted} GPUs: {free} of {present} are free now")]
    GpusBusy { runner: RunnerId, wanted: u32, free: u32, present: u32 },
}

#[async_trait]
pub trait Launcher: Send + Sync + 'static {
    /// Returns as soon as the runner exists; whether it becomes ready is told by its occurrences.
    async fn start(&self, start: Start) -> Result<Started, StartError>;

    /// Takes over what outlived the last server. To be called once, before anything is started.
    async fn adopt(&self) -> Vec<Survivor> {
        Vec::new()
    }

    /// Runs another process within the walls of a runner that is up.
    async fn exec(&self, runner: &RunnerId, exec: Exec) -> Result<Session, ExecError> {
        let _ = exec;
        Err(ExecError::Unknown { runner: runner.to_string() })
    }
}

#[derive(Debug)]
pub struct Started {
    pub address: Address,
    pub occurrences: mpsc::Receiver<Occurrence>,
    pub control: Control,
}

/// A runner of the last server, in the hands of this one.
///
/// Its first occurrence is [`Occurrence::Ready`], once it is seen to answer.
#[derive(Debug)]
pub struct Survivor {
    pub runner: RunnerId,
    pub app: AppId,
    /// With which it was started.
    pub mark: String,
    pub started: Started,
}

/// What was asked of a runner so far; it only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    #[default]
    No,
    Terminate,
    Kill,
}

/// The handle by which a runner is stopped. When the last clone is dropped, the runner is killed: nobody could
/// stop it any more.
#[derive(Clone, Debug)]
pub struct Control {
    stop: watch::Sender<Stop>,
    checks: mpsc::Sender<()>,
}

/// The launcher's end of a [`Control`].
#[derive(Debug)]
pub struct Asked {
    pub stop: watch::Receiver<Stop>,
    pub checks: mpsc::Receiver<()>,
}

impl Control {
    pub fn new() -> (Self, Asked) {
        let (stop, stopped) = watch::channel(Stop::No);
        // One question at a time: a second would hear the same.
        let (checks, asked) = mpsc::channel(1);
        (Self { stop, checks }, Asked { stop: stopped, checks: asked })
    }

    /// SIGTERM, then SIGKILL after the grace period.
    pub fn terminate(&self) {
        self.ask(Stop::Terminate);
    }

    pub fn kill(&self) {
        self.ask(Stop::Kill);
    }

    /// Asks for its health now; one bad answer is told as [`Occurrence::Unhealthy`].
    pub fn check(&self) {
        let _ = self.checks.try_send(());
    }

    fn ask(&self, stop: Stop) {
        self.stop.send_if_modified(|asked| {
            let more = stop > *asked;
            *asked = stop.max(*asked);
            more
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_not_softened_by_a_later_terminate() {
        let (control, asked) = Control::new();
        control.kill();
        control.terminate();
        assert_eq!(*asked.stop.borrow(), Stop::Kill);
    }

    #[test]
    fn a_reason_says_in_words_what_happened() {
        assert_eq!(ExitReason::Code(3).to_string(), "the runner exited with status 3");
        assert_eq!(ExitReason::Signal(11).to_string(), "the runner died of signal 11 (SIGSEGV, segmentation fault)");
        let reason = ExitReason::OutOfMemory { limit_bytes: 512 << 20 };
        assert_eq!(reason.to_string(), "the runner used more than its memory limit of 512 MiB");
    }
}
