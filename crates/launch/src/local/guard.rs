//! Looks after what the kernel does not hold: private files, and without control groups also processes and memory.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    cgroup::Group,
    memory::{Weight, weigh, written},
    prepare::{Keep, KeptLimits},
    sandbox::Scratch,
};
use crate::ExitReason;

const PERIOD: Duration = Duration::from_millis(500);
/// Of all time, one part in so many goes into looking at one runner's files, however many it makes.
const SHARE: u32 = 20;
/// What must stay free on the server's disk: its own records lie there too.
const RESERVE: u64 = 1 << 30;
/// Written between two looks, so much is more than a log file.
const MUCH: u64 = 16 << 20;

/// What a guard has to say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The runner must go.
    Doom(ExitReason),
    /// The runner should know.
    Note(String),
}

pub(super) struct Guard {
    pid: u32,
    limits: KeptLimits,
    processes: Option<u32>,
    scratch: Option<Arc<Scratch>>,
    group: Option<Arc<Group>>,
    refused: bool,
    /// Bytes that it had written at the last look, while the disk is nearly full.
    written: Option<u64>,
}

impl Guard {
    /// `processes` is told in notes, whoever holds that limit.
    pub(super) fn new(pid: u32, keep: &Keep, processes: Option<u32>) -> Self {
        let (scratch, group) = (keep.scratch.clone(), keep.group.clone());
        Self { pid, limits: keep.limits, processes, scratch, group, refused: false, written: None }
    }

    /// Until nobody listens.
    pub(super) async fn run(mut self, sink: mpsc::Sender<Finding>) {
        if self.scratch.is_none() && self.limits.memory_bytes.is_none() {
            return;
        }
        let mut pause = PERIOD;
        loop {
            tokio::time::sleep(pause).await;
            let begun = Instant::now();
            let looked = tokio::task::spawn_blocking(move || {
                let finding = self.look();
                (self, finding)
            });
            // A guard that failed is a mistake of ours, not of the runner.
            let Ok((guard, finding)) = looked.await else { return };
            self = guard;
            pause = PERIOD.max(begun.elapsed() * SHARE);
            if let Some(finding) = finding
                && sink.send(finding).await.is_err()
            {
                return;
            }
        }
    }

    fn look(&mut self) -> Option<Finding> {
        let doom = self.weigh().or_else(|| self.measure()).or_else(|| self.crowd());
        doom.map(Finding::Doom).or_else(|| self.refusal())
    }

    fn weigh(&self) -> Option<ExitReason> {
        if self.limits.memory_bytes.is_none() && self.limits.processes.is_none() {
            return None;
        }
        let Weight { bytes, tasks } = weigh(self.pid)?;
        let heavy = self.limits.memory_bytes.filter(|limit| bytes > *limit);
        let many = self.limits.processes.filter(|limit| tasks > *limit);
        // Memory that processes share counts for each of them: with too many, the number is the truer reason.
        many.map(|limit| ExitReason::TooManyProcesses { limit })
            .or(heavy.map(|limit_bytes| ExitReason::OutOfMemory { limit_bytes }))
    }

    fn measure(&self) -> Option<ExitReason> {
        let limit_bytes = self.limits.scratch_bytes?;
        let full = self.scratch.as_ref()?.measure(limit_bytes) > limit_bytes;
        full.then_some(ExitReason::ScratchFull { limit_bytes })
    }

    /// `/data` has no limit of its own; who fills the disk by it is stopped before the disk is full.
    fn crowd(&mut self) -> Option<ExitReason> {
        let free_bytes = self.scratch.as_ref()?.free()?;
        if free_bytes >= RESERVE {
            self.written = None;
            return None;
        }
        let now = written(self.pid);
        let before = self.written.replace(now);
        before.filter(|before| now.saturating_sub(*before) > MUCH).map(|_| ExitReason::DiskFull { free_bytes })
    }

    /// Told once: a program that is refused tries again and again.
    fn refusal(&mut self) -> Option<Finding> {
        let limit = self.processes.filter(|_| !self.refused)?;
        self.refused = self.group.as_ref()?.refused_processes() > 0;
        let text = format!("this runner has reached its limit of {limit} processes and threads: more are refused");
        self.refused.then_some(Finding::Note(text))
    }
}
