//! The two directions of a session, and why it ends.

use std::time::Duration;

use futures::{Sink, SinkExt, Stream, StreamExt};
use tintype_domain::Failure;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, error::CapacityError, protocol::CloseFrame};

use super::flood::Flood;

/// Why a session is over.
#[derive(Debug)]
pub(super) enum End {
    CallerClosed,
    CallerGone,
    Flood,
    TooLarge,
    RunnerClosed(Option<CloseFrame>),
    RunnerGone,
    /// The platform gave the call up: its time is over.
    Revoked(Failure),
    Stopping,
}

/// From the caller to the runner.
pub(super) async fn upward(
    from: &mut (impl Stream<Item = Result<Message, SocketError>> + Unpin),
    to: &mut (impl Sink<Message, Error = SocketError> + Unpin),
    mut flood: Flood,
    silence: Duration,
) -> End {
    loop {
        let message = match tokio::time::timeout(silence, from.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(SocketError::Capacity(CapacityError::MessageTooLong { .. })))) => return End::TooLarge,
            Ok(Some(Err(_)) | None) | Err(_) => return End::CallerGone,
        };
        match message {
            Message::Text(_) | Message::Binary(_) if !flood.admit() => return End::Flood,
            Message::Text(_) | Message::Binary(_) => {
                if to.send(message).await.is_err() {
                    return End::RunnerGone;
                }
            }
            Message::Close(_) => return End::CallerClosed,
            // Each hop has its own: the socket has answered a ping already.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                if !flood.admit() {
                    return End::Flood;
                }
            }
        }
    }
}

/// From the runner to the caller.
pub(super) async fn downward(
    from: &mut (impl Stream<Item = Result<Message, SocketError>> + Unpin),
    to: &mpsc::Sender<Message>,
) -> End {
    loop {
        match from.next().await {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                if to.send(message).await.is_err() {
                    return End::CallerGone;
                }
            }
            Some(Ok(Message::Close(frame))) => return End::RunnerClosed(frame),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(_)) | None => return End::RunnerGone,
        }
    }
}

/// Ends when the caller cannot be reached.
pub(super) async fn deliver(
    inbox: &mut mpsc::Receiver<Message>,
    to: &mut (impl Sink<Message, Error = SocketError> + Unpin),
) {
    while let Some(message) = inbox.recv().await {
        if to.send(message).await.is_err() {
            return;
        }
    }
}

/// Asks for a sign of life now and then: a caller that vanished must not hold a slot.
pub(super) async fn beat(outbox: &mpsc::Sender<Message>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        // A full outbox holds frames that serve as well.
        if let Err(mpsc::error::TrySendError::Closed(_)) = outbox.try_send(Message::Ping(bytes::Bytes::new())) {
            return;
        }
    }
}

/// Reads on until the other side is done, so that the closing handshake completes.
pub(super) async fn drain(from: &mut (impl Stream<Item = Result<Message, SocketError>> + Unpin)) {
    while let Some(Ok(_)) = from.next().await {}
}
