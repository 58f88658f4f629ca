//! `GET /health`, asked until it answers 200 and then every so often.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::Address;

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nhost: runner\r\nconnection: close\r\n\r\n";
/// A health answer is short; the rest of a long one is not read.
const LONGEST_ANSWER: u64 = 4096;

/// How often and how patiently a runner's health is asked for.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Between two questions to a runner that is ready.
    pub period: Duration,
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

/// Tells what changes, until nobody listens.
pub(super) async fn watch(address: Address, pace: Pace, sink: mpsc::Sender<Health>) {
    await_ready(&address, &pace, &sink).await;
    let mut failures = 0;
    while sink.send(Health::Ready).await.is_ok() {
        sleep(pace.period).await;
        while let Err(error) = ask(&address, pace.timeout).await {
            failures += 1;
            if failures >= pace.failures && sink.send(Health::Unhealthy(error.to_string())).await.is_err() {
                return;
            }
            sleep(pace.period).await;
        }
        failures = 0;
    }
}

async fn await_ready(address: &Address, pace: &Pace, sink: &mpsc::Sender<Health>) {
    let (mut wait, mut told) = (pace.eager, String::new());
    while let Err(error) = ask(address, pace.timeout).await {
        // While nothing listens yet there is nothing to tell; a runner that listens may say what it does.
        if let AskError::Refused { status, said } = error {
            let stage = if said.is_empty() { format!("health check answers {status}") } else { said };
            if stage != told && sink.send(Health::Starting(stage.clone())).await.is_err() {
                return;
            }
            told = stage;
        }
        sleep(wait).await;
        wait = (wait * 2).min(pace.slowest);
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

async fn ask(address: &Address, limit: Duration) -> Result<(), AskError> {
    let answer = timeout(limit, exchange(address)).await.map_err(|_| AskError::Slow(limit))??;
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

async fn exchange(address: &Address) -> io::Result<Vec<u8>> {
    match address {
        Address::Unix(path) => talk(UnixStream::connect(path).await?).await,
        Address::Tcp(address) => talk(TcpStream::connect(address).await?).await,
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<Vec<u8>> {
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(answer)
}
