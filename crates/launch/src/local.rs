//! Runners as child processes of this one.
//!
//! Each runner is the leader of a process group, so that what it started ends with it, and is killed by the kernel
//! when this process dies, however it dies: no runner outlives its server. Isolation of untrusted code is not the
//! business of this module.

mod health;
mod memory;
mod output;
mod spawn;
mod supervise;

use std::{fs, io, net::TcpListener, path::PathBuf};

use async_trait::async_trait;
use tokio::sync::mpsc;

pub use health::Pace;
use spawn::Spawner;
use supervise::Supervised;

use crate::{Address, Control, Launcher, Start, StartError, Started};

/// What a runner may say before the other side listens; beyond it, its output pipe fills and it waits.
const OCCURRENCES: usize = 1024;
/// `sockaddr_un` holds 108 bytes, the last of them a zero.
const LONGEST_SOCKET_PATH: usize = 107;

/// Starts child processes whose sockets lie in a folder of their own.
///
/// Its runners die with it: keep it for as long as any of them is wanted.
pub struct LocalLauncher {
    run_dir: PathBuf,
    pace: Pace,
    spawner: Spawner,
}

impl LocalLauncher {
    /// `run_dir` is created where it is missing.
    pub fn new(run_dir: PathBuf) -> Self {
        Self { run_dir, pace: Pace::default(), spawner: Spawner::start() }
    }

    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Puts the address into the arguments.
    fn bind(&self, start: &mut Start) -> Result<Address, StartError> {
        let mentions = |mark: &str| start.command.args.iter().any(|arg| arg.contains(mark));
        let (mark, text, address) = if mentions("{port}") {
            let address = free_port().map_err(|source| spawn_error(start, source))?;
            ("{port}", address.port().to_string(), Address::Tcp(address))
        } else {
            let path = self.socket(start)?;
            ("{socket}", path.display().to_string(), Address::Unix(path))
        };
        for arg in &mut start.command.args {
            *arg = arg.replace(mark, &text);
        }
        Ok(address)
    }

    fn socket(&self, start: &Start) -> Result<PathBuf, StartError> {
        let path = self.run_dir.join(format!("{}.sock", start.runner));
        let length = path.as_os_str().len();
        if length > LONGEST_SOCKET_PATH {
            return Err(StartError::SocketPath { path: path.display().to_string(), length });
        }
        fs::create_dir_all(&self.run_dir).map_err(|source| spawn_error(start, source))?;
        Ok(path)
    }
}

#[async_trait]
impl Launcher for LocalLauncher {
    async fn start(&self, mut start: Start) -> Result<Started, StartError> {
        let address = self.bind(&mut start)?;
        let child = self.spawner.spawn(&start.command).await.map_err(|source| spawn_error(&start, source))?;
        let (sender, occurrences) = mpsc::channel(OCCURRENCES);
        let (control, asked) = Control::new();
        let supervised = Supervised::new(start, child, address.clone(), self.pace.clone(), sender, asked.stop);
        tokio::spawn(supervised.run());
        Ok(Started { address, occurrences, control })
    }
}

/// A port that nobody listens on now. Another process may take it first; then the runner fails to bind and is
/// started again with another one.
fn free_port() -> io::Result<std::net::SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

fn spawn_error(start: &Start, source: io::Error) -> StartError {
    let program = start.command.program.display().to_string();
    StartError::Spawn { runner: start.runner.clone(), program, source }
}
