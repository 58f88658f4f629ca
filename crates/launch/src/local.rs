//! Runners as child processes of this one.
//!
//! Each runner is the leader of a process group, so that what it started ends with it. It is killed by the kernel when
//! its parent dies, however that dies: this process or, for what the next server is to take over, a shepherd. A command that asks for a sandbox gets
//! walls around it where the machine can make them; where it cannot, the operator's word decides.

mod adopt;
mod begin;
mod cgroup;
mod crowd;
mod egress;
mod gpu;
mod guard;
mod health;
mod ingress;
mod inside;
mod kept;
mod memory;
mod namespace;
mod output;
mod prepare;
mod process;
mod sandbox;
mod session;
mod spawn;
mod supervise;
mod template;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
pub(crate) use cgroup::Cgroups;
pub(crate) use gpu::Gpus;
pub use health::Pace;
use inside::Insides;
use sandbox::System;
pub(crate) use sandbox::in_memory;
use spawn::Spawner;
pub(crate) use spawn::{Program, keep_to_this_process, prepare_command};
use template::Waiting;
pub use template::{Held, Templates};
use tintype_domain::RunnerId;
use tintype_programs::Sandboxing;

use crate::{
    Exec, ExecError, Launcher, Obstacle, Session, Shepherds, Start, StartError, Started, Survivor, capability,
};

/// Starts child processes whose sockets lie in a folder of their own.
///
/// Its runners end with it: keep it for as long as any of them is wanted.
#[derive(Clone)]
pub struct LocalLauncher {
    run_dir: PathBuf,
    scratch: PathBuf,
    sandboxing: Sandboxing,
    pace: Pace,
    spawner: Arc<Spawner>,
    gpus: Gpus,
    insides: Insides,
    machine: Arc<OnceLock<Machine>>,
    waiting: Waiting,
    shepherds: Option<Arc<Shepherds>>,
}

/// What walls are made of here; looked for when they are first needed.
struct Machine {
    bubblewrap: Result<PathBuf, Obstacle>,
    cgroups: Cgroups,
    system: System,
}

impl LocalLauncher {
    /// `run_dir` is created where it is missing. What asks for a sandbox gets one, or is not started.
    pub fn new(run_dir: PathBuf) -> Self {
        let scratch = run_dir.join("scratch");
        Self {
            run_dir,
            scratch,
            sandboxing: Sandboxing::Required,
            pace: Pace::default(),
            spawner: Arc::new(Spawner::start()),
            gpus: Gpus::find("/dev".as_ref()),
            insides: Insides::default(),
            machine: Arc::default(),
            waiting: Waiting::new(Templates::default()),
            shepherds: None,
        }
    }

    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// `scratch` is a folder for the private files of runners.
    #[must_use]
    pub fn with_sandbox(self, sandboxing: Sandboxing, scratch: PathBuf) -> Self {
        Self { scratch, sandboxing, ..self }
    }

    /// Runners that are marked outlive this process when it dies without a word.
    #[must_use]
    pub fn with_shepherds(self, shepherds: Shepherds) -> Self {
        Self { shepherds: Some(Arc::new(shepherds)), ..self }
    }

    #[must_use]
    pub fn with_templates(self, templates: Templates) -> Self {
        Self { waiting: Waiting::new(templates), ..self }
    }

    /// What waits now for runners to come.
    pub fn templates(&self) -> Held {
        self.waiting.held()
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
        let mould = self.mould(&start);
        let born = match mould.as_ref().and_then(|mould| self.waiting.take(mould)) {
            Some(spare) => self.begin_as_template(spare, &mut start).await,
            None => None,
        };
        let born = match born {
            Some(born) => born,
            None => self.spawn(&mut start).await?,
        };
        Ok(self.supervise(start, born, mould))
    }

    async fn adopt(&self) -> Vec<Survivor> {
        self.take_over().await
    }

    async fn exec(&self, runner: &RunnerId, exec: Exec) -> Result<Session, ExecError> {
        let Some(inside) = self.insides.of(runner) else {
            return Err(ExecError::Unknown { runner: runner.to_string() });
        };
        session::open(&self.spawner, runner, inside, exec).await
    }
}
