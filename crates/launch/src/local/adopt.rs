//! Taking over the runners of a server that died.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::task::JoinSet;

use super::{LocalLauncher, begin::Born, kept::Kept, process::Process, sandbox::remove};
use crate::{Occurrence, Survivor};

/// For a runner that was ready before to be seen to be so again.
const PATIENCE: Duration = Duration::from_secs(30);

impl LocalLauncher {
    /// Where shepherds listen.
    pub(super) fn kept(&self) -> PathBuf {
        self.run_dir.join("kept")
    }

    /// What does not live any more loses its files.
    pub(super) async fn take_over(&self) -> Vec<Survivor> {
        let mut joins = JoinSet::new();
        for socket in entries(&self.kept()) {
            joins.spawn(join(socket));
        }
        let found: Vec<_> = joins.join_all().await.into_iter().flatten().collect();
        let roots = found.iter().filter_map(|(_, kept)| Some(kept.scratch.as_ref()?.root().to_owned())).collect();
        self.clear(roots).await;
        found.into_iter().filter_map(|(process, kept)| self.survivor(process, kept)).collect()
    }

    fn survivor(&self, process: Process, kept: Kept) -> Option<Survivor> {
        let (mut start, address, keep) = kept.keep(self);
        start.startup_timeout = start.startup_timeout.min(PATIENCE);
        let (runner, app, mark) = (start.runner.clone(), start.app.clone(), start.mark.clone()?);
        let lost = (process.lost > 0)
            .then(|| format!("{} bytes of its output were lost while no server was there", process.lost));
        let stage = Occurrence::Stage { name: "adopted", detail: lost };
        let started = self.supervise(start, Born { process, keep, address, stage }, None);
        Some(Survivor { runner, app, mark, started })
    }

    /// Removes the private files of runners that ended with the last server, or since.
    async fn clear(&self, alive: BTreeSet<PathBuf>) {
        let dead: Vec<_> = entries(&self.scratch).filter(|folder| !alive.contains(folder)).collect();
        let run_dir = self.run_dir.clone();
        let work = move || {
            for folder in dead {
                if let Some(name) = folder.file_name() {
                    remove(&run_dir.join(name));
                }
                remove(&folder);
            }
        };
        // It logs what it could not remove.
        let _ = tokio::task::spawn_blocking(work).await;
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// `None`: its shepherd is gone, or kept nothing that this server can go on with. Where there is one it hears that
/// nobody wants the runner, by the end of the connection.
async fn join(socket: PathBuf) -> Option<(Process, Kept)> {
    let (process, hello) = match Process::join(socket.clone()).await {
        Ok(joined) => joined,
        Err(error) => {
            tracing::debug!(%error, "nothing to take over at {}", socket.display());
            let _ = fs::remove_file(&socket);
            return None;
        }
    };
    let kept = hello.record.as_deref().and_then(Kept::read);
    if kept.is_none() {
        tracing::info!("a process of the last server at {} is ended", socket.display());
    }
    kept.map(|kept| (process, kept))
}
