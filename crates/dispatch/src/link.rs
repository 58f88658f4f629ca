//! The way to one runner: kept connections, HTTP/1.1 over a Unix socket or TCP.

use std::{sync::OnceLock, time::Duration};

use hyper::{body::Incoming, client::conn::http1, rt};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tintype_domain::{ErrorType, Failure, RunnerId};
use tintype_launch::{Address, Stop, connect_unix};
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
    time::{Instant, timeout},
};

use crate::BoxBody;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Servers commonly close an idle connection after five seconds; one that is closed just as it is used cannot be
/// told from a runner that broke off.
const IDLE_LIFE: Duration = Duration::from_secs(4);
const EXPLANATION_WAIT: Duration = Duration::from_secs(1);
const MOST_IDLE: usize = 256;

pub(crate) type Sender = http1::SendRequest<BoxBody>;

/// A runner's address, once it is started, and the connections to it.
#[derive(Debug)]
pub(crate) struct Link {
    pub runner: RunnerId,
    address: OnceLock<Address>,
    idle: Mutex<Vec<(Sender, Instant)>>,
    /// What was asked of the runner; its overseer obeys.
    pub stop: watch::Sender<Stop>,
    /// It is to be asked for its health now.
    pub check: Notify,
    /// Why the runner is gone, once it is.
    ended: watch::Sender<Option<String>>,
}

impl Link {
    pub fn new(runner: RunnerId) -> Self {
        let (stop, ended) = (watch::Sender::new(Stop::No), watch::Sender::new(None));
        Self { runner, address: OnceLock::new(), idle: Mutex::default(), stop, check: Notify::new(), ended }
    }

    /// The runner exists and will serve at `address`.
    pub fn place(&self, address: Address) {
        // A link is placed once, by the overseer that made it.
        let _ = self.address.set(address);
    }

    pub fn ask(&self, stop: Stop) {
        self.stop.send_if_modified(|asked| std::mem::replace(asked, stop.max(*asked)) < stop);
    }

    pub fn end(&self, reason: &str) {
        self.ended.send_replace(Some(reason.to_owned()));
    }

    /// Adds to a broken connection the exit behind it, which is usually told a moment later.
    pub async fn explain(&self, failure: Failure) -> Failure {
        let mut ended = self.ended.subscribe();
        match timeout(EXPLANATION_WAIT, ended.wait_for(Option::is_some)).await {
            Ok(Ok(reason)) => {
                let reason = reason.as_deref().unwrap_or_default();
                Failure::new(failure.error_type, format!("{}: {reason}", failure.detail))
            }
            _ => failure,
        }
    }

    /// Sends on a kept connection, or a new one.
    pub async fn send(
        &self,
        mut request: http::Request<BoxBody>,
    ) -> Result<(http::Response<Incoming>, Sender), Failure> {
        while let Some(mut sender) = self.kept() {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, sender)),
                Err(mut error) => match error.take_message() {
                    // It was closed before anything was sent.
                    Some(unsent) => request = unsent,
                    None => return Err(broken(error.error())),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        Ok((response, sender))
    }

    /// Takes back a connection whose answer was read to its end.
    pub fn keep(&self, sender: Sender) {
        let mut idle = self.idle.lock();
        if !sender.is_closed() && idle.len() < MOST_IDLE {
            idle.push((sender, Instant::now()));
        }
    }

    /// The connection that was used last: the others may grow old.
    fn kept(&self) -> Option<Sender> {
        let mut idle = self.idle.lock();
        while let Some((sender, since)) = idle.pop() {
            if since.elapsed() > IDLE_LIFE {
                idle.clear();
                return None;
            }
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    /// Whether it takes connections.
    pub async fn probe(&self) -> Result<(), Failure> {
        self.connect().await.map(drop)
    }

    async fn connect(&self) -> Result<Sender, Failure> {
        let failure = |error_type, detail: String| Failure::new(error_type, detail);
        match timeout(CONNECT_TIMEOUT, self.dial()).await {
            Err(_) => {
                let seconds = CONNECT_TIMEOUT.as_secs();
                Err(failure(
                    ErrorType::RunnerConnectionTimeout,
                    format!("the runner took no connection within {seconds} s"),
                ))
            }
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Err(failure(ErrorType::RunnerConnectionRefused, "the runner refused the connection".into()))
            }
            Ok(Err(error)) => Err(failure(
                ErrorType::RunnerConnectionError,
                format!("could not connect to the runner ({})", error.kind()),
            )),
            Ok(Ok(sender)) => Ok(sender),
        }
    }

    async fn dial(&self) -> std::io::Result<Sender> {
        match self.address.get() {
            Some(Address::Unix(path)) => shake(TokioIo::new(connect_unix(path).await?)).await,
            Some(Address::Tcp(address)) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                shake(TokioIo::new(stream)).await
            }
            None => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }
}

async fn shake<I>(io: I) -> std::io::Result<Sender>
where
    I: rt::Read + rt::Write + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(io).await.map_err(std::io::Error::other)?;
    // Ends when both the sender and the answer are dropped, or the runner closes; its errors reach the sender.
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

fn broken(error: &hyper::Error) -> Failure {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return Failure::new(ErrorType::RunnerDisconnected, "the runner closed the connection before it answered");
    }
    if error.is_parse() {
        return Failure::new(ErrorType::RunnerConnectionError, format!("the runner did not answer in HTTP ({error})"));
    }
    if error.is_user() {
        return Failure::new(ErrorType::ClientDisconnected, "the body of the request broke off");
    }
    Failure::new(ErrorType::RunnerDisconnected, "the connection to the runner broke")
}
