//! One runner from birth to death.
//!
//! Whatever happens, the process group is killed and `Exited` is the last that is said.

use std::{io, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use tintype_domain::LogLevel;
use tokio::{
    process::Child,
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    health::{self, Health, Pace},
    memory::resident_bytes,
    output::pump,
    spawn::{kill_group, terminate},
};
use crate::{Address, ExitReason, Occurrence, Start, Stop};

const MEMORY_PERIOD: Duration = Duration::from_millis(500);
/// After the runner's end, its last lines are read for so long at most: something that left the process group may
/// hold the pipe open for ever.
const LAST_LINES: Duration = Duration::from_secs(1);

pub(super) struct Supervised {
    start: Start,
    child: Child,
    pid: u32,
    address: Address,
    sink: mpsc::Sender<Occurrence>,
    asked: watch::Receiver<Stop>,
    health: mpsc::Receiver<Health>,
    _health: AbortOnDropHandle<()>,
    pumps: JoinSet<()>,
    ready: bool,
    /// When the present patience ends: first the startup timeout, later the grace period.
    deadline: Option<Instant>,
    /// Why the platform ended the runner, if it did.
    doom: Option<ExitReason>,
}

enum Event {
    Exited(io::Result<ExitStatus>),
    Asked(Stop),
    Abandoned,
    Deadline,
    Health(Health),
    MemoryDue,
}

impl Supervised {
    pub(super) fn new(
        start: Start,
        mut child: Child,
        address: Address,
        pace: Pace,
        sink: mpsc::Sender<Occurrence>,
        asked: watch::Receiver<Stop>,
    ) -> Self {
        let mut pumps = JoinSet::new();
        child.stdout.take().map(|stream| pumps.spawn(pump(stream, LogLevel::Stdout, sink.clone())));
        child.stderr.take().map(|stream| pumps.spawn(pump(stream, LogLevel::Stderr, sink.clone())));
        let (health_sink, health) = mpsc::channel(8);
        let watching = tokio::spawn(health::watch(address.clone(), pace, health_sink));
        Self {
            deadline: Some(Instant::now() + start.startup_timeout),
            pid: child.id().unwrap_or(0),
            start,
            child,
            address,
            sink,
            asked,
            health,
            _health: AbortOnDropHandle::new(watching),
            pumps,
            ready: false,
            doom: None,
        }
    }

    pub(super) async fn run(mut self) {
        self.tell(Occurrence::Stage { name: "starting", detail: None }).await;
        let mut memory = interval(MEMORY_PERIOD);
        memory.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let exit = loop {
            let event = tokio::select! {
                biased;
                exit = self.child.wait() => Event::Exited(exit),
                stop = next_ask(&mut self.asked), if self.doom.is_none() => Event::Asked(stop),
                () = self.sink.closed(), if self.doom.is_none() => Event::Abandoned,
                () = sleep_until(self.deadline.unwrap_or_else(Instant::now)), if self.deadline.is_some() => {
                    Event::Deadline
                }
                Some(health) = self.health.recv() => Event::Health(health),
                _ = memory.tick(), if self.start.memory_limit_bytes.is_some() => Event::MemoryDue,
            };
            match event {
                Event::Exited(exit) => break exit,
                other => self.handle(other).await,
            }
        };
        self.bury(exit).await;
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Asked(Stop::Terminate) => {
                terminate(self.pid);
                self.deadline = Some(Instant::now() + self.start.grace);
            }
            Event::Asked(Stop::Kill) | Event::Abandoned => self.kill(ExitReason::Killed),
            Event::Deadline if self.stopping() || self.ready => self.kill(ExitReason::Killed),
            Event::Deadline => self.kill(ExitReason::StartupTimeout),
            Event::Health(health) => self.heard(health).await,
            Event::MemoryDue => self.weigh(),
            Event::Exited(_) | Event::Asked(Stop::No) => {}
        }
    }

    async fn heard(&mut self, health: Health) {
        match health {
            Health::Starting(said) => self.tell(Occurrence::Stage { name: "loading", detail: Some(said) }).await,
            Health::Ready if self.ready => {}
            Health::Ready => {
                self.ready = true;
                if !self.stopping() {
                    self.deadline = None;
                }
                self.tell(Occurrence::Ready).await;
            }
            Health::Unhealthy(detail) => self.tell(Occurrence::Unhealthy { detail }).await,
        }
    }

    fn weigh(&mut self) {
        let Some(limit_bytes) = self.start.memory_limit_bytes else { return };
        if resident_bytes(self.pid).is_some_and(|bytes| bytes > limit_bytes) {
            self.kill(ExitReason::OutOfMemory { limit_bytes });
        }
    }

    fn stopping(&self) -> bool {
        *self.asked.borrow() != Stop::No
    }

    fn kill(&mut self, why: ExitReason) {
        self.deadline = None;
        self.doom.get_or_insert(why);
        kill_group(self.pid);
    }

    async fn tell(&self, occurrence: Occurrence) {
        // Where nobody listens, `Abandoned` follows.
        let _ = self.sink.send(occurrence).await;
    }

    async fn bury(mut self, exit: io::Result<ExitStatus>) {
        kill_group(self.pid);
        let _ = timeout(LAST_LINES, async { while self.pumps.join_next().await.is_some() {} }).await;
        self.pumps.shutdown().await;
        if let Address::Unix(path) = &self.address {
            // The runner may have removed it itself.
            let _ = std::fs::remove_file(path);
        }
        let reason = self.reason(&exit);
        tracing::debug!(runner = %self.start.runner, app = %self.start.app, %reason, "runner ended");
        self.tell(Occurrence::Exited { reason }).await;
    }

    fn reason(&mut self, exit: &io::Result<ExitStatus>) -> ExitReason {
        if let Some(doom) = self.doom.take() {
            return doom;
        }
        match exit {
            Ok(status) if status.success() => ExitReason::Clean,
            Ok(status) => match (status.code(), status.signal()) {
                (_, Some(15)) if self.stopping() => ExitReason::Clean,
                (Some(code), _) => ExitReason::Code(code),
                (None, signal) => ExitReason::Signal(signal.unwrap_or(0)),
            },
            Err(_) => ExitReason::Killed,
        }
    }
}

/// The next thing that is asked for. That every control is gone counts as a kill.
async fn next_ask(asked: &mut watch::Receiver<Stop>) -> Stop {
    match asked.changed().await {
        Ok(()) => *asked.borrow_and_update(),
        Err(_) => Stop::Kill,
    }
}
