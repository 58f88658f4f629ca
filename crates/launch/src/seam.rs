//! What is asked of a launcher and what it tells.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use tintype_domain::{AppId, LogLevel, RequestId, RunnerId};
use tokio::sync::{mpsc, watch};

/// Where a runner serves HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// One runner to start.
#[derive(Clone, Debug)]
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
}

/// A program to run. `env` is the whole environment: nothing is inherited.
///
/// `{socket}` in an argument is replaced by the path of the Unix socket on which the runner must serve; where an
/// argument holds `{port}` instead, by a free TCP port of the loopback interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
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
    /// The platform killed it.
    Killed,
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("the runner ended in good order"),
            Self::Code(code) => write!(f, "the runner exited with status {code}"),
            Self::Signal(9) => {
                f.write_str("the runner was killed from outside (signal 9), perhaps by the kernel for want of memory")
            }
            Self::Signal(signal) => write!(f, "the runner died of signal {signal}{}", signal_name(*signal)),
            Self::OutOfMemory { limit_bytes } => {
                write!(f, "the runner used more than its memory limit of {} MiB", limit_bytes >> 20)
            }
            Self::StartupTimeout => f.write_str("the runner was not ready within its startup timeout"),
            Self::Killed => f.write_str("the platform killed the runner"),
        }
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        7 => " (bus error)",
        8 => " (arithmetic error)",
        11 => " (segmentation fault)",
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
    #[error("the launcher is shut")]
    Closed,
}

#[async_trait]
pub trait Launcher: Send + Sync + 'static {
    /// Returns as soon as the runner exists; whether it becomes ready is told by its occurrences.
    async fn start(&self, start: Start) -> Result<Started, StartError>;
}

#[derive(Debug)]
pub struct Started {
    pub address: Address,
    pub occurrences: mpsc::Receiver<Occurrence>,
    pub control: Control,
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
pub struct Control(watch::Sender<Stop>);

impl Control {
    /// The handle, and the launcher's end of it.
    pub fn new() -> (Self, watch::Receiver<Stop>) {
        let (sender, receiver) = watch::channel(Stop::No);
        (Self(sender), receiver)
    }

    /// SIGTERM, then SIGKILL after the grace period.
    pub fn terminate(&self) {
        self.ask(Stop::Terminate);
    }

    pub fn kill(&self) {
        self.ask(Stop::Kill);
    }

    fn ask(&self, stop: Stop) {
        self.0.send_if_modified(|asked| {
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
        assert_eq!(*asked.borrow(), Stop::Kill);
    }

    #[test]
    fn a_reason_says_in_words_what_happened() {
        assert_eq!(ExitReason::Code(3).to_string(), "the runner exited with status 3");
        assert_eq!(ExitReason::Signal(11).to_string(), "the runner died of signal 11 (segmentation fault)");
        let reason = ExitReason::OutOfMemory { limit_bytes: 512 << 20 };
        assert_eq!(reason.to_string(), "the runner used more than its memory limit of 512 MiB");
    }
}
