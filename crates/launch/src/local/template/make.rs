//! Makes a template: prepares and spawns it like any runner, and waits until it says that it waits.

use std::{
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tintype_domain::AppId;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Mould,
    mould::PROGRAM,
    spare::{Report, Spare, Trouble},
};
use crate::{
    Address, StartError,
    local::{
        LocalLauncher,
        guard::Guard,
        prepare::{Keep, Prepared, Walls},
        process::Process,
        supervise::settle,
    },
};

const SOURCE: &str = include_str!("template.py");
/// Imports of the largest environments, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const LONGEST_REPORT: u64 = 64 << 10;
const LONGEST_COMPLAINT: u64 = 4 << 10;
/// Below this much free memory nothing is kept ahead of need.
const SPARE_MEMORY: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error("it could not be started")]
    Start(#[from] StartError),
    #[error("it could not be set up")]
    Setup(#[from] io::Error),
    #[error("it did not get ready within {PATIENCE:?}")]
    Slow,
    #[error("it ended before it was ready; its last words were: {0:?}")]
    Ended(String),
    #[error("what it reported makes no sense")]
    Report(#[from] serde_json::Error),
    #[error("the machine makes no walls")]
    NoWalls,
}

impl LocalLauncher {
    /// Makes as many templates as should wait for runners like this one.
    pub(in crate::local) async fn lay_by(&self, mould: &Mould, app: &AppId) {
        while has_memory() && self.waiting.lock().reserve(mould, Instant::now()) {
            let turn = self.waiting.turn.lock().await;
            let made = self.make(mould, app).await;
            drop(turn);
            match made {
                Ok((spare, trouble)) => self.put_down(mould, app, spare, trouble),
                Err(error) => {
                    self.waiting.lock().failed(mould, Instant::now());
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(%app, error, "no template for runners of {app}: they start the ordinary way");
                }
            }
        }
    }

    /// An empty folder.
    pub(in crate::local) fn nothing(&self) -> PathBuf {
        self.scratch.join("nothing")
    }

    fn put_down(&self, mould: &Mould, app: &AppId, spare: Spare, trouble: Trouble) {
        let Report { imported, missing, failed, seconds, resident_bytes } = &spare.report;
        let mebibytes = resident_bytes >> 20;
        tracing::info!(%app, mebibytes, "a template waits for runners like those of {app}");
        tracing::debug!(%app, imported, ?missing, ?failed, seconds, "what the template has imported");
        let (number, gone) = self.waiting.lock().put(mould, spare, Instant::now());
        gone.into_iter().for_each(Spare::end);
        tokio::spawn(self.waiting.clone().watch(number, trouble));
    }

    async fn make(&self, mould: &Mould, app: &AppId) -> Result<(Spare, Trouble), MakeError> {
        static MADE: AtomicU64 = AtomicU64::new(1);
        let (control, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        // Runners that an earlier server made from its templates may live in folders of such names.
        let name = format!("template-{}-{}", self.waiting.life, MADE.fetch_add(1, Ordering::Relaxed));
        let mut start = mould.start(app, &name, theirs.as_raw_fd());
        std::fs::create_dir_all(self.nothing())?;
        let Prepared { address, mut program, mut keep } = self.prepare(&mut start).await?;
        let (Some(scratch), Address::Unix(socket), true) = (keep.scratch.clone(), address, keep.walls.is_some()) else {
            return Err(MakeError::NoWalls);
        };
        tokio::fs::write(scratch.run().join(PROGRAM), SOURCE).await?;
        program.inherited.push(Arc::new(theirs));
        let mut process = self.process(program, &start).await?;
        keep.walls = Some(Walls::Made(settle(keep.walls.take(), self.spawner.clone()).await?));
        let (guard, trouble) = guard(&process, &keep);
        control.set_nonblocking(true)?;
        let report = hear(control.try_clone()?, &mut process).await?;
        Ok((Spare { process, keep, scratch, control, report, socket, _guard: guard }, trouble))
    }
}

fn guard(process: &Process, keep: &Keep) -> (AbortOnDropHandle<()>, Trouble) {
    let (found, findings) = mpsc::channel(8);
    let guard = Guard::new(process.pid(), keep, None);
    (AbortOnDropHandle::new(tokio::spawn(guard.run(found))), Trouble(findings))
}

async fn hear(control: UnixStream, process: &mut Process) -> Result<Report, MakeError> {
    let control = tokio::net::UnixStream::from_std(control)?;
    let mut line = String::new();
    let mut lines = BufReader::new(control.take(LONGEST_REPORT));
    timeout(PATIENCE, lines.read_line(&mut line)).await.map_err(|_| MakeError::Slow)??;
    if !line.ends_with('\n') {
        return Err(MakeError::Ended(last_words(process).await));
    }
    Ok(serde_json::from_str(&line)?)
}

async fn last_words(process: &mut Process) -> String {
    let mut words = Vec::new();
    if let [_, Some(stderr)] = &mut process.streams {
        let _ = timeout(Duration::from_secs(1), stderr.take(LONGEST_COMPLAINT).read_to_end(&mut words)).await;
    }
    String::from_utf8_lossy(&words).trim().lines().last().unwrap_or_default().to_owned()
}

/// Where the system does not tell, there is enough.
fn has_memory() -> bool {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.is_none_or(|kibibytes| kibibytes << 10 >= SPARE_MEMORY)
}
