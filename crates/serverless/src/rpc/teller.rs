//! Streams of answers: lines while something is under way, and an end.

use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::Stream;
use tintype_domain::{LogLevel, Timestamp};
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{
    Serverless,
    api::{Log, LogLevel as WireLevel, LogSource},
    deploy::error::DeployError,
};

/// What a streaming call answers with.
pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Messages on their way to a client that reads slowly; then whoever writes waits.
const ON_THE_WAY: usize = 64;
/// A client that takes nothing for so long is told no more but the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// One line for the client.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    source: LogSource,
    level: WireLevel,
    message: String,
}

impl Line {
    pub(crate) fn builder(message: String) -> Self {
        Self { source: LogSource::Builder, level: WireLevel::Info, message }
    }

    /// Of the platform, about what it is doing.
    pub(crate) fn bridge(message: String) -> Self {
        Self { source: LogSource::Bridge, level: WireLevel::Info, message }
    }

    /// Of the platform, about what somebody should look at.
    pub(crate) fn warning(message: String) -> Self {
        Self { source: LogSource::Bridge, level: WireLevel::Warning, message }
    }

    /// Of the app.
    pub(crate) fn user(level: LogLevel, message: String) -> Self {
        let level = match level {
            LogLevel::Stderr => WireLevel::Stderr,
            LogLevel::Stdout => WireLevel::Stdout,
            LogLevel::Error => WireLevel::Error,
            LogLevel::Info => WireLevel::Info,
            LogLevel::Warn => WireLevel::Warning,
            LogLevel::Debug => WireLevel::Debug,
        };
        Self { source: LogSource::User, level, message }
    }

    fn into_log(self, now: Timestamp) -> Log {
        let Self { source, level, message } = self;
        Log { message, source: source.into(), level: level.into(), timestamp: Some(wire_time(now)) }
    }
}

pub(crate) fn wire_time(at: Timestamp) -> prost_types::Timestamp {
    let micros = at.as_micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or(0),
    }
}

/// The server's end of a stream.
pub(crate) struct Teller<T> {
    sender: mpsc::Sender<Result<T, Status>>,
    serverless: Serverless,
    wrap: fn(Log) -> T,
    /// The client stays and takes nothing: it must not hold up what it asked for.
    stuck: AtomicBool,
}

impl<T> Teller<T> {
    /// For calls that have one answer and no lines.
    pub(crate) fn deaf(serverless: &Serverless) -> Self
    where
        T: Default,
    {
        let (sender, _) = mpsc::channel(1);
        Self { sender, serverless: serverless.clone(), wrap: |_| T::default(), stuck: AtomicBool::new(false) }
    }

    /// A client that has gone hears nothing, and what is under way goes on.
    pub(crate) async fn line(&self, line: Line) {
        if !self.sender.is_closed() && !self.stuck.load(Ordering::Relaxed) {
            let log = line.into_log(self.serverless.clock.now());
            self.send((self.wrap)(log)).await;
        }
    }

    pub(crate) async fn send(&self, message: T) {
        let sent = self.sender.send_timeout(Ok(message), PATIENCE).await;
        if matches!(sent, Err(SendTimeoutError::Timeout(_))) {
            self.stuck.store(true, Ordering::Relaxed);
        }
    }

    /// Resolves when the client has gone.
    pub(crate) async fn closed(&self) {
        self.sender.closed().await;
    }
}

/// Runs `work` to its end, whether or not the client stays; what it returns is the last message.
pub(crate) fn answer<T, W, F>(serverless: &Serverless, wrap: fn(Log) -> T, work: W) -> Answers<T>
where
    T: Send + 'static,
    W: FnOnce(Serverless, Teller<T>) -> F,
    F: Future<Output = (Teller<T>, Result<T, DeployError>)> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    let teller = Teller { sender, serverless: serverless.clone(), wrap, stuck: AtomicBool::new(false) };
    let work = work(serverless.clone(), teller);
    serverless.tasks.spawn(async move {
        let (teller, last) = work.await;
        let _ = teller.sender.send(last.map_err(Status::from)).await;
    });
    Box::pin(ReceiverStream::new(receiver))
}
