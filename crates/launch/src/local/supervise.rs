//! One runner from birth to death.
//!
//! Whatever happens, the process group is killed and `Exited` is the last that is said.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::ExitStatus,
    sync::{Arc, Weak},
    time::Duration,
};

use tintype_domain::LogLevel;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    egress,
    guard::{Finding, Guard},
    health::{Health, Pace, Watcher},
    ingress,
    inside::Place,
    kept::Kept,
    output::pump,
    prepare::{Keep, Walls},
    process::Process,
    sandbox::command_process,
    spawn::{Spawner, kill, kill_group, terminate},
};
use crate::{Address, Asked, Confinement, ExitReason, Occurrence, Readiness, Rooted, Sandbox, Start, Stop};

/// After the runner's end, its last lines are read for so long at most: something that left the process group may
/// hold the pipe open for ever.
const LAST_LINES: Duration = Duration::from_secs(1);
/// bubblewrap ends with 128 and the number of the signal of which the command died.
const SIGNALLED: i32 = 128;
const MOST_SIGNALS: i32 = 64;

pub(super) struct Supervised {
    start: Start,
    process: Process,
    pid: u32,
    /// How long it may live on when this server dies.
    patience: Duration,
    address: Address,
    sink: mpsc::Sender<Occurrence>,
    /// Until it is ready.
    told_ready: Option<oneshot::Sender<()>>,
    asked: watch::Receiver<Stop>,
    health: mpsc::Receiver<Health>,
    findings: mpsc::Receiver<Finding>,
    pumps: JoinSet<()>,
    /// What asks and looks; it ends with the runner.
    watchers: Vec<AbortOnDropHandle<()>>,
    keep: Keep,
    place: Place,
    ready: bool,
    /// When the present patience ends: first the startup timeout, later the grace period.
    deadline: Option<Instant>,
    /// Why the platform ended the runner, if it did.
    doom: Option<ExitReason>,
    /// Not held on to: runners end with the launcher, and the launcher with its thread.
    spawner: Weak<Spawner>,
    /// Carries connections, where the program itself knows only of a port.
    ingress: Option<AbortOnDropHandle<()>>,
}

/// What connects a supervised runner with those who asked for it.
pub(super) struct Ends {
    pub(super) address: Address,
    pub(super) pace: Pace,
    pub(super) patience: Duration,
    pub(super) sink: mpsc::Sender<Occurrence>,
    pub(super) asked: Asked,
    /// Told when it is ready for the first time.
    pub(super) ready: oneshot::Sender<()>,
}

enum Event {
    Exited(io::Result<ExitStatus>),
    Asked(Stop),
    Abandoned,
    Deadline,
    Health(Health),
    Found(Finding),
    /// The namespaces are there, and the way out of them, if there is one.
    Settled(io::Result<Settled>),
}

/// What bubblewrap has made.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) first: Option<u32>,
    egress: Option<AbortOnDropHandle<()>>,
}

impl Supervised {
    pub(super) fn new(start: Start, mut process: Process, keep: Keep, place: Place, ends: Ends) -> Self {
        let Ends { address, pace, patience: outlives, sink, asked, ready: told_ready } = ends;
        let mut pumps = JoinSet::new();
        let levels = [LogLevel::Stdout, LogLevel::Stderr];
        for (stream, level) in process.streams.iter_mut().zip(levels) {
            stream.take().map(|stream| pumps.spawn(pump(stream, level, sink.clone())));
        }
        let pid = process.pid();
        let (health_sink, health) = mpsc::channel(8);
        let watcher = Watcher::new(address.clone(), pace, &start.command, asked.checks, health_sink);
        let (found, findings) = mpsc::channel(8);
        let guard = Guard::new(pid, &keep, processes(&start));
        let tasks = [tokio::spawn(watcher.run()), tokio::spawn(guard.run(found))];
        let patience = (start.command.readiness != Readiness::Never).then_some(start.startup_timeout);
        Self {
            deadline: patience.map(|patience| Instant::now() + patience),
            pid,
            patience: outlives,
            start,
            process,
            address,
            sink,
            told_ready: Some(told_ready),
            asked: asked.stop,
            health,
            findings,
            pumps,
            watchers: tasks.map(AbortOnDropHandle::new).into(),
            keep,
            place,
            ready: false,
            doom: None,
            spawner: Weak::new(),
            ingress: None,
        }
    }

    pub(super) async fn run(mut self, spawner: Arc<Spawner>) {
        self.spawner = Arc::downgrade(&spawner);
        let mut settling = Box::pin(settle(self.keep.walls.take(), spawner));
        let (mut settled, mut _egress) = (false, None);
        let exit = loop {
            let event = tokio::select! {
                biased;
                exit = self.process.wait() => Event::Exited(exit),
                stop = next_ask(&mut self.asked), if self.doom.is_none() => Event::Asked(stop),
                () = self.sink.closed(), if self.doom.is_none() => Event::Abandoned,
                () = sleep_until(self.deadline.unwrap_or_else(Instant::now)), if self.deadline.is_some() => {
                    Event::Deadline
                }
                made = &mut settling, if !settled => Event::Settled(made),
                Some(health) = self.health.recv() => Event::Health(health),
                Some(finding) = self.findings.recv() => Event::Found(finding),
            };
            match event {
                Event::Exited(exit) => break exit,
                Event::Settled(made) => (settled, _egress) = (true, self.settled(made).await),
                other => self.handle(other).await,
            }
        };
        self.bury(exit).await;
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Asked(Stop::Terminate) => {
                self.process.let_go().await;
                self.terminate();
                self.deadline = Some(Instant::now() + self.start.grace);
            }
            Event::Asked(Stop::Kill) | Event::Abandoned => self.kill(ExitReason::Killed),
            Event::Deadline if self.stopping() || self.ready => self.kill(ExitReason::Killed),
            Event::Deadline => self.kill(ExitReason::StartupTimeout),
            Event::Health(health) => self.heard(health).await,
            Event::Found(Finding::Doom(reason)) => self.kill(reason),
            Event::Found(Finding::Note(message)) => self.say(LogLevel::Warn, message).await,
            Event::Exited(_) | Event::Settled(_) | Event::Asked(Stop::No) => {}
        }
    }

    /// What keeps the way out open, if there is one.
    async fn settled(&mut self, made: io::Result<Settled>) -> Option<AbortOnDropHandle<()>> {
        match made {
            Ok(Settled { first, egress }) => {
                first.map(|first| self.place.inside.first.set(first));
                self.ingress = first.and_then(|first| self.way_in(first));
                egress
            }
            Err(error) => {
                self.say(LogLevel::Error, format!("the runner's network could not be made: {error}")).await;
                self.kill(ExitReason::Killed);
                None
            }
        }
    }

    fn way_in(&mut self, first: u32) -> Option<AbortOnDropHandle<()>> {
        let Confinement::Sandbox(Sandbox { image: Some(Rooted { serves: Some(port), .. }), .. }) =
            self.start.command.confinement
        else {
            return None;
        };
        let Address::Unix(socket) = self.address.clone() else { return None };
        let carried = ingress::carry(self.spawner.clone(), first, port, socket);
        Some(AbortOnDropHandle::new(tokio::spawn(carried)))
    }

    async fn heard(&mut self, health: Health) {
        match health {
            Health::Starting(said) => self.tell(Occurrence::Stage { name: "loading", detail: Some(said) }).await,
            Health::Ready if self.ready => {}
            Health::Ready => {
                self.ready = true;
                self.stay().await;
                if !self.stopping() {
                    self.deadline = None;
                }
                self.tell(Occurrence::Ready).await;
                // Perhaps nobody waits for it.
                let _ = self.told_ready.take().map(|told| told.send(()));
            }
            Health::Unhealthy(detail) => self.tell(Occurrence::Unhealthy { detail }).await,
        }
    }

    /// What is ready may outlive this server, and the next one must find it before anybody relies on it.
    async fn stay(&mut self) {
        if self.start.mark.is_none() || !self.process.is_tended() || self.patience.is_zero() || self.stopping() {
            return;
        }
        let record = Kept::of(&self.start, &self.address, &self.keep, self.place.inside.first.get().copied()).write();
        let kept = match record {
            Ok(record) => self.process.keep(self.patience, record).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, runner = %self.start.runner, "runner {} would not outlive the server", self.start.runner);
        }
    }

    fn stopping(&self) -> bool {
        *self.asked.borrow() != Stop::No
    }

    /// The command itself is asked: bubblewrap would pass nothing on.
    fn terminate(&mut self) {
        let inside = &self.place.inside;
        if !inside.walled {
            return terminate(self.pid);
        }
        match inside.first.get().and_then(|first| command_process(*first)) {
            Some(command) => terminate(command),
            // It has not begun: there is nothing to drain.
            None => self.kill(ExitReason::Clean),
        }
    }

    fn kill(&mut self, why: ExitReason) {
        self.deadline = None;
        self.doom.get_or_insert(why);
        self.kill_all();
    }

    fn kill_all(&self) {
        kill_group(self.pid);
        // The end of the first process inside is the end of all that are inside.
        if self.place.inside.walled
            && let Some(first) = self.place.inside.first.get()
        {
            kill(*first);
        }
    }

    async fn say(&self, level: LogLevel, message: String) {
        self.tell(Occurrence::Log { level, message, request: None, endpoint: None }).await;
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
        let Self { sink, keep, place, watchers, process, .. } = self;
        // Its shepherd may go.
        drop((place, watchers, process));
        // Removing many files takes a while, and nobody needs to wait for it.
        tokio::task::spawn_blocking(move || drop(keep));
        let _ = sink.send(Occurrence::Exited { reason }).await;
    }

    fn reason(&mut self, exit: &io::Result<ExitStatus>) -> ExitReason {
        match self.doom.take() {
            // Who sees its connections break may ask for its end before its own end is seen here.
            Some(ExitReason::Killed) => return self.out_of_memory().unwrap_or(ExitReason::Killed),
            Some(doom) => return doom,
            None => (),
        }
        let reason = match exit {
            Ok(status) if status.success() => ExitReason::Clean,
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => self.by_code(code),
                (None, signal) => ExitReason::Signal(signal.unwrap_or(0)),
            },
            Err(_) => ExitReason::Killed,
        };
        match reason {
            ExitReason::Clean => ExitReason::Clean,
            ExitReason::Signal(15) if self.stopping() => ExitReason::Clean,
            other => self.out_of_memory().unwrap_or(other),
        }
    }

    fn by_code(&self, code: i32) -> ExitReason {
        let signal = code - SIGNALLED;
        if self.place.inside.walled && (1..=MOST_SIGNALS).contains(&signal) {
            return ExitReason::Signal(signal);
        }
        ExitReason::Code(code)
    }

    /// When the kernel killed something in the group, that is why it ended badly.
    fn out_of_memory(&self) -> Option<ExitReason> {
        let limit_bytes = self.start.memory_limit_bytes?;
        let killed = self.keep.group.as_ref().is_some_and(|group| group.ran_out_of_memory());
        killed.then_some(ExitReason::OutOfMemory { limit_bytes })
    }
}

/// The limit that the command names.
fn processes(start: &Start) -> Option<u32> {
    match &start.command.confinement {
        Confinement::Sandbox(sandbox) => Some(sandbox.processes),
        Confinement::None => None,
    }
}

pub(super) async fn settle(walls: Option<Walls>, spawner: Arc<Spawner>) -> io::Result<Settled> {
    match walls {
        Some(Walls::Begun { mut signs, proxy }) => {
            let first = signs.first_process().await?;
            let egress = way_out(first, proxy, &spawner).await?;
            signs.release();
            Ok(Settled { first, egress })
        }
        Some(Walls::Standing { first, proxy }) => {
            let egress = way_out(Some(first), proxy, &spawner).await?;
            Ok(Settled { first: Some(first), egress })
        }
        Some(Walls::Made(settled)) => Ok(settled),
        None => Ok(Settled::default()),
    }
}

async fn way_out(
    first: Option<u32>,
    proxy: Option<PathBuf>,
    spawner: &Spawner,
) -> io::Result<Option<AbortOnDropHandle<()>>> {
    let (Some(proxy), Some(first)) = (proxy, first) else { return Ok(None) };
    let ways = egress::listen_inside(spawner, first).await?;
    Ok(Some(AbortOnDropHandle::new(tokio::spawn(egress::carry(ways, proxy)))))
}

/// The next thing that is asked for. That every control is gone counts as a kill.
async fn next_ask(asked: &mut watch::Receiver<Stop>) -> Stop {
    match asked.changed().await {
        Ok(()) => *asked.borrow_and_update(),
        Err(_) => Stop::Kill,
    }
}
