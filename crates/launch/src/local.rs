//! Runners as child processes of this one.
//!
//! Each runner is the leader of a process group, so that what it started ends with it, and is killed by the kernel
//! when this process dies, however it dies: no runner outlives its server. A command that asks for a sandbox gets
//! walls around it where the machine can make them; where it cannot, the operator's word decides.

mod cgroup;
mod egress;
mod gpu;
mod guard;
mod health;
mod inside;
mod memory;
mod namespace;
mod output;
mod prepare;
mod sandbox;
mod session;
mod spawn;
mod supervise;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
pub(crate) use cgroup::Cgroups;
pub(crate) use gpu::Gpus;
pub use health::Pace;
use inside::Insides;
use prepare::Prepared;
use sandbox::System;
use spawn::Spawner;
use supervise::{Ends, Supervised};
use tintype_domain::RunnerId;
use tokio::sync::mpsc;

use crate::{Control, Exec, ExecError, Launcher, Obstacle, Session, Start, StartError, Started, capability};

/// What a runner may say before the other side listens; beyond it, its output pipe fills and it waits.
const OCCURRENCES: usize = 1024;

/// What becomes of commands that ask for a sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandboxing {
    /// Walls where the machine can make them, else none.
    Auto,
    /// None.
    Off,
    /// Walls, or it is not started.
    #[default]
    Required,
}

/// Starts child processes whose sockets lie in a folder of their own.
///
/// Its runners die with it: keep it for as long as any of them is wanted.
pub struct LocalLauncher {
    run_dir: PathBuf,
    scratch: PathBuf,
    sandboxing: Sandboxing,
    pace: Pace,
    spawner: Arc<Spawner>,
    gpus: Gpus,
    insides: Insides,
    machine: OnceLock<Machine>,
}

/// What walls are made of here; looked for when they are first needed.
struct Machine {
    bubblewrap: Result<PathBuf, Obstacle>,
    cgroups: Cgroups,
    system: System,
}

impl LocalLauncher {
    /// `run_dir` is created where it is missing.
    pub fn new(run_dir: PathBuf) -> Self {
        Self {
            scratch: run_dir.join("scratch"),
            run_dir,
            sandboxing: Sandboxing::default(),
            pace: Pace::default(),
            spawner: Arc::new(Spawner::start()),
            gpus: Gpus::find("/dev".as_ref()),
            insides: Insides::default(),
            machine: OnceLock::new(),
        }
    }

    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// `scratch` is a folder for the private files of runners. What lies there is removed: it belonged to runners of
    /// a server that is gone.
    #[must_use]
    pub fn with_sandbox(self, sandboxing: Sandboxing, scratch: PathBuf) -> Self {
        sandbox::remove(&scratch);
        Self { sandboxing, scratch, ..self }
    }

    fn machine(&self) -> &Machine {
        self.machine.get_or_init(|| Machine {
            bubblewrap: capability::sandbox(),
            cgroups: Cgroups::find(),
            system: System::find(),
        })
    }
}

#[async_trait]
impl Launcher for LocalLauncher {
    async fn start(&self, mut start: Start) -> Result<Started, StartError> {
        let Prepared { address, program, keep } = self.prepare(&mut start).await?;
        let spawned = self.spawner.spawn(program).await;
        let child = spawned.map_err(|source| prepare::spawn_error(&start, source))?;
        let (sink, occurrences) = mpsc::channel(OCCURRENCES);
        let (control, asked) = Control::new();
        let ends = Ends { address: address.clone(), pace: self.pace.clone(), sink, asked };
        let place = self.insides.enter(&start, &keep, child.id().unwrap_or(0));
        let supervised = Supervised::new(start, child, keep, place, ends);
        tokio::spawn(supervised.run(Arc::clone(&self.spawner)));
        Ok(Started { address, occurrences, control })
    }

    async fn exec(&self, runner: &RunnerId, exec: Exec) -> Result<Session, ExecError> {
        let Some(inside) = self.insides.of(runner) else {
            return Err(ExecError::Unknown { runner: runner.to_string() });
        };
        session::open(&self.spawner, runner, inside, exec).await
    }
}
