//! One open WebSocket: frames both ways, until either side is done.
//!
//! Each direction waits only for itself, so a runner that computes delays no pong, and memory is bounded by
//! one message each way and what the sockets buffer.

use std::{pin::pin, time::Duration};

use futures::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tintype_dispatch::Lease;
use tintype_domain::{EndpointId, ErrorType, Verdict};
use tintype_wire::realtime::{error_frame, unauthorized_frame};
use tokio::sync::mpsc;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    flood::Flood,
    frames::{End, beat, deliver, downward, drain, upward},
};
use crate::{Gateway, query::Query};

pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How long a side that was told of the end may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);
/// Messages on their way to the caller.
const OUTBOX: usize = 16;

/// Whether the platform may put frames of its own on the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Realtime,
    Raw,
}

impl Dialect {
    pub(super) fn of(endpoint: &EndpointId, query: Query<'_>) -> Self {
        let is_realtime = endpoint.path().ends_with("/realtime") || query.get("max_buffering").is_some();
        if is_realtime { Self::Realtime } else { Self::Raw }
    }
}

pub(super) struct Session {
    pub gateway: Gateway,
    pub lease: Lease,
    pub dialect: Dialect,
}

impl Session {
    pub(super) async fn run(mut self, caller: OnUpgrade, runner: OnUpgrade) {
        // Without either half the lease is dropped: dispatch hears that the caller went away.
        let (Ok(caller), Ok(runner)) = tokio::join!(caller, runner) else { return };
        let limit = self.gateway.options.max_message_bytes;
        let mut caller = open(caller, Role::Server, limit).await;
        // What a runner sends is its own affair.
        let mut runner = open(runner, Role::Client, usize::MAX).await;
        let end = self.pump(&mut caller, &mut runner).await;
        match end {
            End::RunnerGone => {
                let detail = "the runner went away during the session";
                self.lease.finish(Verdict::broken(ErrorType::RunnerDisconnected, detail));
            }
            End::Revoked(failure) => self.lease.finish(Verdict::Broken(failure)),
            End::CallerClosed | End::RunnerClosed(_) => {
                let verdict = self.lease.verdict();
                self.lease.finish(verdict);
            }
            End::CallerGone | End::Flood | End::TooLarge | End::Stopping => drop(self.lease),
        }
    }

    async fn pump(&mut self, caller: &mut Socket, runner: &mut Socket) -> End {
        let options = self.gateway.options.clone();
        let (mut to_caller, mut from_caller) = caller.split();
        let (mut to_runner, mut from_runner) = runner.split();
        let (outbox, mut inbox) = mpsc::channel::<Message>(OUTBOX);
        let flood = Flood::new(options.max_messages_per_sec);
        let mut delivering = pin!(deliver(&mut inbox, &mut to_caller));
        let end = tokio::select! {
            end = upward(&mut from_caller, &mut to_runner, flood, options.socket_silence) => end,
            end = downward(&mut from_runner, &outbox) => end,
            () = &mut delivering => End::CallerGone,
            () = beat(&outbox, options.socket_silence / 3) => End::CallerGone,
            failure = self.lease.revoked() => End::Revoked(failure),
            () = self.gateway.stop.cancelled() => End::Stopping,
        };
        let closing = async {
            let _ = to_runner.send(Message::Close(Some(normal("")))).await;
            drain(&mut from_runner).await;
        };
        if matches!(end, End::CallerGone) {
            let _ = tokio::time::timeout(FAREWELL, closing).await;
            return end;
        }
        // What the runner said before the end is still on its way; the goodbye goes behind it.
        let farewell = self.farewell(&end);
        let parting = async move {
            for message in farewell {
                let _ = outbox.send(message).await;
            }
        };
        let all = async { tokio::join!(parting, delivering, drain(&mut from_caller), closing) };
        let _ = tokio::time::timeout(FAREWELL, all).await;
        end
    }

    /// The last frames for the caller.
    fn farewell(&self, end: &End) -> Vec<Message> {
        let close = |code, reason: &'static str| Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let with_error = |code: &str, reason: &'static str, close_code| match self.dialect {
            Dialect::Realtime => vec![Message::text(error_frame(code, reason)), close(close_code, reason)],
            Dialect::Raw => vec![close(close_code, reason)],
        };
        match end {
            End::CallerClosed | End::CallerGone => vec![],
            End::RunnerClosed(frame) => vec![Message::Close(Some(frame.clone().unwrap_or_else(|| normal(""))))],
            End::RunnerGone => {
                let code = if self.dialect == Dialect::Realtime { CloseCode::Normal } else { CloseCode::Error };
                with_error("INTERNAL_ERROR", "the runner went away; connect again", code)
            }
            End::Flood => with_error("RATE_LIMITED", "too many messages in a short time", CloseCode::Policy),
            End::TooLarge => with_error("MESSAGE_TOO_LARGE", "the message is larger than is allowed", CloseCode::Size),
            End::Revoked(failure) => match self.dialect {
                Dialect::Realtime => {
                    vec![Message::text(error_frame("TIMEOUT", &failure.detail)), Message::Close(Some(normal("")))]
                }
                Dialect::Raw => vec![close(CloseCode::Error, "the platform gave the session up")],
            },
            End::Stopping => vec![close(CloseCode::Normal, "the server is being stopped")],
        }
    }
}

fn normal(reason: &'static str) -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::from_static(reason) }
}

pub(crate) async fn open(upgraded: Upgraded, role: Role, limit: usize) -> Socket {
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), role, Some(config)).await
}

/// Tells a caller whose token has expired to fetch another one.
pub(super) async fn unauthorized(upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let mut socket = open(upgraded, Role::Server, 1 << 16).await;
    let parting = async {
        let _ = socket.send(Message::text(unauthorized_frame())).await;
        let _ = socket.send(Message::Close(Some(normal("the token has expired")))).await;
        drain(&mut socket).await;
    };
    let _ = tokio::time::timeout(FAREWELL, parting).await;
}
