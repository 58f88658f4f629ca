//! Whether a runner is ready, and whether it still is.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use crate::{Address, Command, HealthCheck, Readiness, connect_unix};

/// A health answer is short; the rest of a long one is not read.
const LONGEST_ANSWER: u64 = 4096;
/// Between two regular questions to a deployed app.
const APP_PERIOD: Duration = Duration::from_secs(15);

/// How often and how patiently a runner's health is asked for.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Between two questions to a native runner that is ready.
    pub period: Duration,
    /// The same for a deployed app.
    pub app_period: Duration,
    /// How long one question may take.
    pub timeout: Duration,
    /// So many questions must fail, one after the other, before the runner counts as unhealthy.
    pub failures: u32,
    /// Between the first questions to a runner that starts. Doubles up to `slowest`.
    pub eager: Duration,
    pub slowest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(5),
            app_period: APP_PERIOD,
            timeout: Duration::from_secs(5),
            failures: 3,
            eager: Duration::from_millis(5),
            slowest: Duration::from_millis(100),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// Not ready yet, and this is what it says about it.
    Starting(String),
    Ready,
    Unhealthy(String),
}

/// Asks one runner.
pub(super) struct Watcher {
    address: Address,
    pace: Pace,
    readiness: Readiness,
    check: Option<HealthCheck>,
    checks: mpsc::Receiver<()>,
    sink: mpsc::Sender<Health>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Regular,
    /// Somebody wants to know now, and one bad answer is enough.
    Asked,
}

impl Watcher {
    pub(super) fn new(
        address: Address,
        pace: Pace,
        command: &Command,
        checks: mpsc::Receiver<()>,
        sink: mpsc::Sender<Health>,
    ) -> Self {
        Self { address, pace, readiness: command.readiness, check: command.health.clone(), checks, sink }
    }

    /// Tells what changes, until nobody listens.
    pub(super) async fn run(mut self) {
        if self.readiness == Readiness::Never {
            return;
        }
        self.await_ready().await;
        let (mut failures, mut next) = (0, Instant::now() + self.first());
        let mut told_ready = self.tell(Health::Ready).await;
        while told_ready {
            let turn = self.turn(next).await;
            next = Instant::now() + self.period();
            match self.question(turn).await {
                Ok(()) if failures == 0 => {}
                Ok(()) => (failures, told_ready) = (0, self.tell(Health::Ready).await),
                Err(error) => {
                    failures += 1;
                    if turn == Turn::Asked || failures >= self.threshold() {
                        told_ready = self.tell(Health::Unhealthy(error.to_string())).await;
                    }
                }
            }
        }
    }

    async fn tell(&self, health: Health) -> bool {
        self.sink.send(health).await.is_ok()
    }

    /// Waits for the next reason to ask.
    async fn turn(&mut self, next: Instant) -> Turn {
        tokio::select! {
            Some(()) = self.checks.recv() => Turn::Asked,
            () = sleep_until(next) => Turn::Regular,
        }
    }

    fn period(&self) -> Duration {
        if self.readiness == Readiness::Health { self.pace.period } else { self.pace.app_period }
    }

    fn first(&self) -> Duration {
        self.check.as_ref().map_or(Duration::ZERO, |check| check.start_period).max(self.period())
    }

    fn threshold(&self) -> u32 {
        self.check.as_ref().map_or(self.pace.failures, |check| check.failure_threshold).max(1)
    }

    async fn question(&self, turn: Turn) -> Result<(), AskError> {
        match &self.check {
            Some(check) if check.regularly || turn == Turn::Asked => {
                ask(&self.address, &words(check.method.as_str(), &check.path), check.timeout).await
            }
            None if self.readiness == Readiness::Health => self.health().await,
            // It says nothing of itself: that it takes connections must do.
            _ => within(self.pace.timeout, connect(&self.address)).await.map(drop),
        }
    }

    async fn health(&self) -> Result<(), AskError> {
        ask(&self.address, &words("GET", "/health"), self.pace.timeout).await
    }

    async fn await_ready(&self) {
        let (mut wait, mut told) = (self.pace.eager, String::new());
        while let Err(error) = self.first_question().await {
            // While nothing listens yet there is nothing to tell; a runner that listens may say what it does.
            if let AskError::Refused { status, said } = error {
                let stage = if said.is_empty() { format!("health check answers {status}") } else { said };
                if stage != told && !self.tell(Health::Starting(stage.clone())).await {
                    return;
                }
                told = stage;
            }
            tokio::time::sleep(wait).await;
            // Looking whether a socket is there costs next to nothing, and a start is waited for.
            let slowest = if self.readiness == Readiness::Accept { self.pace.slowest / 8 } else { self.pace.slowest };
            wait = (wait * 2).min(slowest);
        }
    }

    async fn first_question(&self) -> Result<(), AskError> {
        match self.readiness {
            Readiness::Health => self.health().await,
            Readiness::Accept | Readiness::Never => within(self.pace.timeout, connect(&self.address)).await.map(drop),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("the health check did not answer within {0:?}")]
    Slow(Duration),
    #[error("the health check could not be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("the health check answered with status {status}")]
    Refused { status: u16, said: String },
}

fn words(method: &str, path: &str) -> String {
    let length = if method == "GET" || method == "HEAD" { "" } else { "content-length: 0\r\n" };
    format!("{method} {path} HTTP/1.1\r\nhost: runner\r\n{length}connection: close\r\n\r\n")
}

async fn ask(address: &Address, words: &str, limit: Duration) -> Result<(), AskError> {
    let answer = within(limit, exchange(address, words)).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    match status {
        Some(200..=299) => Ok(()),
        Some(status) => {
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
            Err(AskError::Refused { status, said: body.chars().take(200).collect() })
        }
        None => Err(AskError::Unreachable(io::ErrorKind::InvalidData.into())),
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> Result<T, AskError> {
    Ok(timeout(limit, work).await.map_err(|_| AskError::Slow(limit))??)
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(match address {
        Address::Unix(path) => Box::new(connect_unix(path).await?),
        Address::Tcp(address) => Box::new(TcpStream::connect(address).await?),
    })
}

async fn exchange(address: &Address, words: &str) -> io::Result<Vec<u8>> {
    let mut stream = connect(address).await?;
    stream.write_all(words.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(answer)
}
