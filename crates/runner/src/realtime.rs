//! A realtime session: MessagePack maps in, MessagePack maps out, errors as JSON text.
//!
//! One computation runs at a time. Inputs that arrive meanwhile wait in a short buffer that drops its
//! oldest: a user who drags a slider wants the newest picture. The socket is read all the while, so
//! that pings are answered.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use rmpv::Value;
use tintype_wire::{frame, realtime::error_frame};
use tokio_util::sync::CancellationToken;

/// Frames beyond this belong into storage.
pub(crate) const MAX_MESSAGE: usize = 64 << 20;

pub(crate) struct Limits {
    pub buffering: usize,
    pub timeout: Duration,
}

/// What came of one input.
pub(crate) enum Reply {
    Result(Value),
    /// Told to the caller; the session goes on.
    Refused {
        code: String,
        reason: String,
    },
    /// Told to the caller; the session ends in good order.
    Failed {
        reason: String,
    },
    /// The session ends with this code.
    Close(u16),
}

enum Event {
    Stop,
    Frame(Option<Result<Message, axum::Error>>),
    Done(Reply),
    Silence,
}

/// An input, and whether it came as JSON text: answers take the same form.
struct Input {
    value: Value,
    text: bool,
}

/// Runs a session to its end.
pub(crate) async fn session<F, Fut>(mut socket: WebSocket, limits: Limits, stop: CancellationToken, answer: F)
where
    F: Fn(Value) -> Fut,
    Fut: Future<Output = Reply>,
{
    let mut buffer = VecDeque::new();
    let mut current = Box::pin(None);
    let mut text = false;
    let mut last_input = tokio::time::Instant::now();
    loop {
        if current.is_none()
            && let Some(Input { value, text: as_text }) = buffer.pop_front()
        {
            text = as_text;
            current.set(Some(answer(value)));
        }
        let busy = current.is_some();
        let event = tokio::select! {
            biased;
            reply = computed(current.as_mut().as_pin_mut()) => Event::Done(reply),
            () = stop.cancelled(), if !busy => Event::Stop,
            frame = socket.recv() => Event::Frame(frame),
            () = tokio::time::sleep_until(last_input + limits.timeout), if !busy => Event::Silence,
        };
        let going_on = match event {
            Event::Stop => close(&mut socket, 1000).await,
            Event::Silence => time_out(&mut socket, limits.timeout).await,
            Event::Frame(frame) => {
                last_input = tokio::time::Instant::now();
                receive(&mut socket, frame, &mut buffer, limits.buffering).await
            }
            Event::Done(reply) => {
                current.set(None);
                last_input = tokio::time::Instant::now();
                respond(&mut socket, reply, text).await
            }
        };
        if going_on.is_none() {
            return;
        }
    }
}

async fn computed<Fut: Future>(current: Option<std::pin::Pin<&mut Fut>>) -> Fut::Output {
    match current {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

/// `None` ends the session, here and below.
async fn receive(
    socket: &mut WebSocket,
    frame: Option<Result<Message, axum::Error>>,
    buffer: &mut VecDeque<Input>,
    capacity: usize,
) -> Option<()> {
    let decoded = match frame? {
        Ok(Message::Binary(bytes)) => frame::decode(&bytes).map(|value| Input { value, text: false }),
        Ok(Message::Text(text)) => frame::decode_text(&text).map(|value| Input { value, text: true }),
        Ok(Message::Ping(_) | Message::Pong(_)) => return Some(()),
        Ok(Message::Close(_)) | Err(_) => return None,
    };
    match decoded {
        Ok(input) => {
            if buffer.len() >= capacity {
                buffer.pop_front();
            }
            buffer.push_back(input);
            Some(())
        }
        Err(reason) => tell(socket, "INVALID_INPUT", &reason).await,
    }
}

async fn respond(socket: &mut WebSocket, reply: Reply, text: bool) -> Option<()> {
    match reply {
        Reply::Result(value) => socket.send(encode(&value, text)).await.ok(),
        Reply::Refused { code, reason } => tell(socket, &code, &reason).await,
        Reply::Failed { reason } => {
            tell(socket, "INTERNAL_ERROR", &reason).await?;
            close(socket, 1000).await
        }
        Reply::Close(code) => close(socket, code).await,
    }
}

async fn time_out(socket: &mut WebSocket, limit: Duration) -> Option<()> {
    tell(socket, "TIMEOUT", &format!("no input within {} s", limit.as_secs())).await?;
    close(socket, 1000).await
}

async fn tell(socket: &mut WebSocket, code: &str, reason: &str) -> Option<()> {
    socket.send(Message::Text(error_frame(code, reason).into())).await.ok()
}

async fn close(socket: &mut WebSocket, code: u16) -> Option<()> {
    let frame = CloseFrame { code, reason: axum::extract::ws::Utf8Bytes::default() };
    socket.send(Message::Close(Some(frame))).await.ok()?;
    // Let the other side read what was sent before the connection goes.
    let patience = Instant::now() + Duration::from_secs(5);
    while let Ok(Some(Ok(_))) = tokio::time::timeout_at(patience.into(), socket.recv()).await {}
    None
}

fn encode(value: &Value, text: bool) -> Message {
    let as_text = text.then(|| frame::encode_text(value)).flatten();
    as_text.map_or_else(|| Message::Binary(frame::encode(value).into()), |json| Message::Text(json.into()))
}
