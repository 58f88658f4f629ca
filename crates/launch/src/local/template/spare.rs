//! One template, from when it waits until it is a runner.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::mould::{Baggage, baggage};
use crate::{
    Command, Start,
    local::{
        guard::Finding,
        prepare::{Keep, Walls},
        process::Process,
        sandbox::Scratch,
        spawn::kill,
    },
};

/// It only has to read; one that does not is not fit to be a runner.
const PATIENCE: Duration = Duration::from_secs(2);

/// A template that waits.
pub(in crate::local) struct Spare {
    pub(super) process: Process,
    pub(super) keep: Keep,
    pub(super) scratch: Arc<Scratch>,
    pub(super) control: UnixStream,
    pub(super) report: Report,
    /// Where the runner's socket will be.
    pub(super) socket: PathBuf,
    pub(super) _guard: AbortOnDropHandle<()>,
}

/// What it says when it waits.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) imported: u32,
    pub(super) missing: Vec<String>,
    /// A module, and what it raised.
    pub(super) failed: BTreeMap<String, String>,
    pub(super) seconds: f64,
    pub(super) resident_bytes: u64,
}

/// What it becomes.
#[derive(Serialize)]
pub(in crate::local) struct Order {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    workdir: PathBuf,
}

impl Order {
    pub(in crate::local) fn of(command: &Command) -> Self {
        let workdir = command.workdir.clone().unwrap_or_else(|| "/tmp".into());
        // Of two values of one name the last counts, as it does for bubblewrap.
        Self { args: command.args.clone(), env: command.env.iter().cloned().collect(), workdir }
    }
}

/// Tells when a template does what a runner may not do either.
pub(super) struct Trouble(pub(super) mpsc::Receiver<Finding>);

impl Trouble {
    /// Never returns where there is none.
    pub(super) async fn happened(&mut self) -> String {
        while let Some(finding) = self.0.recv().await {
            if let Finding::Doom(reason) = finding {
                return reason.to_string();
            }
        }
        std::future::pending().await
    }
}

impl Spare {
    pub(super) fn alive(&mut self) -> bool {
        self.process.is_alive()
    }

    pub(in crate::local) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// What whoever waits for the start is told.
    pub(in crate::local) fn told(&self) -> String {
        let Report { imported, resident_bytes, .. } = self.report;
        format!("a process that had imported {imported} modules was waiting ({} MiB)", resident_bytes >> 20)
    }

    /// Brings the app's files and gives the order. After an error it is good for nothing.
    pub(in crate::local) async fn become_runner(self, start: &Start, order: Order) -> io::Result<(Process, Keep)> {
        let baggage = baggage(start);
        let handed = tokio::task::spawn_blocking(move || self.hand_over(&baggage, &order));
        handed.await.map_err(io::Error::other)?
    }

    fn hand_over(self, baggage: &[Baggage], order: &Order) -> io::Result<(Process, Keep)> {
        for item in baggage {
            self.scratch.bring(item.folder, &item.name, &item.from)?;
        }
        let mut text = serde_json::to_vec(order)?;
        text.push(b'\n');
        self.control.set_nonblocking(false)?;
        self.control.set_write_timeout(Some(PATIENCE))?;
        (&self.control).write_all(&text)?;
        Ok((self.process, self.keep))
    }

    /// Its processes and its files go.
    pub(super) fn end(self) {
        if let Some(Walls::Made(made)) = &self.keep.walls
            && let Some(first) = made.first
        {
            kill(first);
        }
        // Removing files takes a while, and nobody needs to wait for it.
        tokio::task::spawn_blocking(move || drop(self));
    }
}
