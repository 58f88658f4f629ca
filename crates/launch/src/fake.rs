//! A launcher that starts nothing: a test plays the runner.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use crate::{Address, Asked, Control, ExitReason, Launcher, Occurrence, Start, StartError, Started, Stop, Survivor};

/// Bounds what a fake runner may say before the other side listens.
const OCCURRENCES: usize = 256;

/// Hands every started runner to the test ([`FakeLauncher::next`]), unless it is automatic.
///
/// Clones share what was started.
#[derive(Clone)]
pub struct FakeLauncher {
    address: Address,
    automatic: bool,
    refusals: Arc<Mutex<VecDeque<StartError>>>,
    started: mpsc::UnboundedSender<FakeRunner>,
    runners: Arc<AsyncMutex<mpsc::UnboundedReceiver<FakeRunner>>>,
    survivors: Arc<Mutex<Vec<Survivor>>>,
}

impl FakeLauncher {
    /// Each runner waits for the test to say what becomes of it; each is given `address`.
    pub fn manual(address: Address) -> Self {
        Self::new(address, false)
    }

    /// Each runner is ready at once at `address`, ends `Clean` when terminated and `Killed` when killed. Good for
    /// tests where a server inside the test plays all runners.
    pub fn ready_at(address: Address) -> Self {
        Self::new(address, true)
    }

    fn new(address: Address, automatic: bool) -> Self {
        // Unbounded: a test starts few runners, and the receiver lives as long as the launcher.
        let (started, runners) = mpsc::unbounded_channel();
        let runners = Arc::new(AsyncMutex::new(runners));
        Self { address, automatic, refusals: Arc::default(), started, runners, survivors: Arc::default() }
    }

    /// The next start fails with `error`.
    pub fn refuse_next(&self, error: StartError) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).push_back(error);
    }

    /// A runner that the last server has left, found when the next adopts.
    pub fn survived(&self, start: Start) -> FakeRunner {
        let (runner, app) = (start.runner.clone(), start.app.clone());
        let mark = start.mark.clone().unwrap_or_default();
        let (started, left) = self.begin(start);
        self.survivors.lock().unwrap_or_else(PoisonError::into_inner).push(Survivor { runner, app, mark, started });
        left
    }

    fn begin(&self, start: Start) -> (Started, FakeRunner) {
        let (sender, occurrences) = mpsc::channel(OCCURRENCES);
        let (control, asked) = Control::new();
        let runner = FakeRunner { start, occurrences: sender, asked };
        (Started { address: self.address.clone(), occurrences, control }, runner)
    }

    /// The next runner that was started, in order; waits for it. For manual launchers.
    pub async fn next(&self) -> FakeRunner {
        let mut runners = self.runners.lock().await;
        runners.recv().await.expect("the launcher holds the sender")
    }

    fn refusal(&self) -> Option<StartError> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Default for FakeLauncher {
    fn default() -> Self {
        Self::manual(Address::Unix(PathBuf::from("/nonexistent/fake-runner.sock")))
    }
}

#[async_trait]
impl Launcher for FakeLauncher {
    async fn start(&self, start: Start) -> Result<Started, StartError> {
        if let Some(error) = self.refusal() {
            return Err(error);
        }
        let (started, runner) = self.begin(start);
        if self.automatic {
            tokio::spawn(runner.obey());
        } else {
            self.started.send(runner).map_err(|_| StartError::Closed)?;
        }
        Ok(started)
    }

    async fn adopt(&self) -> Vec<Survivor> {
        std::mem::take(&mut self.survivors.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The test's end of a runner. Dropping it looks like a launcher that lost its runner: the occurrences end.
pub struct FakeRunner {
    pub start: Start,
    occurrences: mpsc::Sender<Occurrence>,
    asked: Asked,
}

impl FakeRunner {
    /// Says that something happened; `false` when nobody listens.
    pub async fn tell(&self, occurrence: Occurrence) -> bool {
        self.occurrences.send(occurrence).await.is_ok()
    }

    pub async fn ready(&self) -> bool {
        self.tell(Occurrence::Ready).await
    }

    /// The end of this runner.
    pub async fn exit(self, reason: ExitReason) {
        self.tell(Occurrence::Exited { reason }).await;
    }

    /// What was asked so far.
    pub fn asked(&self) -> Stop {
        *self.asked.stop.borrow()
    }

    /// Waits until a stop is asked for; a dropped control counts as a kill.
    pub async fn stopped(&mut self) -> Stop {
        match self.asked.stop.wait_for(|stop| *stop != Stop::No).await {
            Ok(stop) => *stop,
            Err(_) => Stop::Kill,
        }
    }

    /// Waits until its health is asked for; `false` when nobody can ask any more.
    pub async fn checked(&mut self) -> bool {
        self.asked.checks.recv().await.is_some()
    }

    async fn obey(mut self) {
        self.ready().await;
        let reason = match self.stopped().await {
            Stop::Kill => ExitReason::Killed,
            Stop::No | Stop::Terminate => ExitReason::Clean,
        };
        self.exit(reason).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tintype_domain::RunnerId;

    use super::*;
    use crate::Command;

    fn start() -> Start {
        Start {
            runner: RunnerId::new("r1"),
            app: "acme/app".parse().unwrap(),
            command: Command::default(),
            startup_timeout: Duration::from_secs(1),
            memory_limit_bytes: None,
            grace: Duration::from_secs(1),
            mark: None,
        }
    }

    #[tokio::test]
    async fn the_test_decides_what_becomes_of_a_manual_runner() {
        let launcher = FakeLauncher::default();
        let mut started = launcher.start(start()).await.unwrap();
        let mut runner = launcher.next().await;
        runner.ready().await;
        started.control.terminate();
        assert_eq!(runner.stopped().await, Stop::Terminate);
        runner.exit(ExitReason::Code(3)).await;
        assert_eq!(started.occurrences.recv().await, Some(Occurrence::Ready));
        assert_eq!(started.occurrences.recv().await, Some(Occurrence::Exited { reason: ExitReason::Code(3) }));
        assert_eq!(started.occurrences.recv().await, None);
    }

    #[tokio::test]
    async fn an_automatic_runner_is_ready_at_once_and_obeys() {
        let launcher = FakeLauncher::ready_at(Address::Tcp(([127, 0, 0, 1], 9).into()));
        let mut started = launcher.start(start()).await.unwrap();
        assert_eq!(started.occurrences.recv().await, Some(Occurrence::Ready));
        started.control.kill();
        assert_eq!(started.occurrences.recv().await, Some(Occurrence::Exited { reason: ExitReason::Killed }));
    }

    #[tokio::test]
    async fn a_refusal_is_used_once() {
        let launcher = FakeLauncher::default();
        launcher.refuse_next(StartError::Closed);
        assert!(launcher.start(start()).await.is_err());
        assert!(launcher.start(start()).await.is_ok());
    }
}
