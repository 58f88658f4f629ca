//! How a runner begins: as a process of its own, or as what a template becomes.

use std::{io, path::Path, sync::Arc};

use tintype_programs::Sandboxing;
use tokio::sync::{mpsc, oneshot};

use super::{
    LocalLauncher,
    prepare::{self, Keep, Prepared, SOCKET},
    process::Process,
    sandbox::{RUN, environment},
    spawn::Program,
    supervise::{Ends, Supervised},
    template::{Mould, Order, Spare},
};
use crate::{Address, Confinement, Control, Occurrence, Start, StartError, Started};

/// What a runner may say before the other side listens; beyond it, its output pipe fills and it waits.
const OCCURRENCES: usize = 1024;

/// A process that is to be a runner.
pub(super) struct Born {
    pub(super) process: Process,
    pub(super) keep: Keep,
    pub(super) address: Address,
    pub(super) stage: Occurrence,
}

impl LocalLauncher {
    /// `None`: a runner of this kind comes from no template.
    pub(super) fn mould(&self, start: &Start) -> Option<Mould> {
        start.command.template.as_ref()?;
        let walls = self.sandboxing != Sandboxing::Off && self.machine().bubblewrap.is_ok();
        walls.then(|| Mould::of(start, &self.nothing())).flatten()
    }

    pub(super) async fn spawn(&self, start: &mut Start) -> Result<Born, StartError> {
        let Prepared { address, program, keep } = self.prepare(start).await?;
        let spawned = self.process(program, start).await;
        let process = spawned.map_err(|source| prepare::spawn_error(start, source))?;
        Ok(Born { process, keep, address, stage: Occurrence::Stage { name: "spawn", detail: None } })
    }

    /// What may outlive this server has a shepherd, and what may become such a thing.
    pub(super) async fn process(&self, program: Program, start: &Start) -> io::Result<Process> {
        match &self.shepherds {
            Some(shepherds) if start.mark.is_some() || start.command.template.is_some() => {
                let socket = self.kept().join(start.runner.as_str());
                Process::tended(shepherds, &self.spawner, program, socket).await
            }
            _ => Ok(Process::of(self.spawner.spawn(program).await?)),
        }
    }

    /// `None`: it must begin the ordinary way.
    pub(super) async fn begin_as_template(&self, spare: Spare, start: &mut Start) -> Option<Born> {
        let original = start.command.args.clone();
        match become_runner(spare, start).await {
            Ok(born) => Some(born),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, runner = %start.runner, "a template could not become a runner of {}", start.app);
                start.command.args = original;
                None
            }
        }
    }

    pub(super) fn supervise(&self, start: Start, born: Born, mould: Option<Mould>) -> Started {
        let Born { process, keep, address, stage } = born;
        let (sink, occurrences) = mpsc::channel(OCCURRENCES);
        let (control, asked) = Control::new();
        let (ready, awaited) = oneshot::channel();
        if let Some(mould) = mould {
            let (launcher, app) = (self.clone(), start.app.clone());
            tokio::spawn(async move {
                // Not before: making it takes processors that the start needs.
                if awaited.await.is_ok() {
                    launcher.lay_by(&mould, &app).await;
                }
            });
        }
        // Before anything that it says itself; there is room for it.
        let _ = sink.try_send(stage);
        let patience = self.shepherds.as_ref().map(|shepherds| shepherds.patience).unwrap_or_default();
        let ends = Ends { address: address.clone(), pace: self.pace.clone(), patience, sink, asked, ready };
        let place = self.insides.enter(&start, &keep, process.pid());
        let supervised = Supervised::new(start, process, keep, place, ends);
        tokio::spawn(supervised.run(Arc::clone(&self.spawner)));
        Started { address, occurrences, control }
    }
}

async fn become_runner(spare: Spare, start: &mut Start) -> Result<Born, StartError> {
    let stage = Occurrence::Stage { name: "template", detail: Some(spare.told()) };
    let address = prepare::bind(start, &spare.socket(), &Path::new(RUN).join(SOCKET))?;
    if let Confinement::Sandbox(sandbox) = &start.command.confinement {
        start.command.env = environment(&start.command, sandbox);
    }
    let handed = spare.become_runner(start, Order::of(&start.command)).await;
    let (process, keep) = handed.map_err(|source| prepare::spawn_error(start, source))?;
    Ok(Born { process, keep, address, stage })
}
