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
use serde_json::json;
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
        Ok(Message::Binary(bytes)) => decode(&bytes).map(|value| Input { value, text: false }),
        Ok(Message::Text(text)) => decode_text(&text).map(|value| Input { value, text: true }),
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
    let message = json!({ "type": "x-fal-error", "error": code, "reason": reason });
    socket.send(Message::Text(message.to_string().into())).await.ok()
}

async fn close(socket: &mut WebSocket, code: u16) -> Option<()> {
    let frame = CloseFrame { code, reason: axum::extract::ws::Utf8Bytes::default() };
    socket.send(Message::Close(Some(frame))).await.ok()?;
    // Let the other side read what was sent before the connection goes.
    let patience = Instant::now() + Duration::from_secs(5);
    while let Ok(Some(Ok(_))) = tokio::time::timeout_at(patience.into(), socket.recv()).await {}
    None
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let mut rest = bytes;
    let value =
        rmpv::decode::read_value(&mut rest).map_err(|error| format!("the frame is not MessagePack: {error}"))?;
    match (&value, rest.len()) {
        (Value::Map(_), 0) => Ok(value),
        (Value::Map(_), extra) => Err(format!("{extra} bytes follow the MessagePack map: send one map per frame")),
        _ => Err("the frame is not a MessagePack map: send one map with the input's fields".into()),
    }
}

pub(crate) fn decode_text(text: &str) -> Result<Value, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("the text is not JSON: {error}"))?;
    if !value.is_object() {
        return Err("the text is not a JSON object: send one object with the input's fields".into());
    }
    rmpv::ext::to_value(&value).map_err(|error| error.to_string())
}

pub(crate) fn encode(value: &Value, text: bool) -> Message {
    if text && let Ok(json) = serde_json::to_string(value) {
        return Message::Text(json.into());
    }
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    let _ = rmpv::encode::write_value(&mut bytes, value);
    Message::Binary(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_holds_one_map_and_nothing_else() {
        let map = Value::Map(vec![("a".into(), 1.into())]);
        let Message::Binary(bytes) = encode(&map, false) else { panic!("a result is binary") };
        assert_eq!(decode(&bytes).unwrap(), map);
        assert!(decode(&[bytes.as_ref(), &[0]].concat()).unwrap_err().starts_with("1 bytes follow"));
        assert!(decode(&bytes[..2]).unwrap_err().starts_with("the frame is not MessagePack"));
        assert!(decode(&[0x93, 1, 2, 3]).unwrap_err().contains("not a MessagePack map"));
    }

    #[test]
    fn frames_made_to_exhaust_memory_or_stack_are_refused() {
        // An array of 2^32 - 1 elements in six bytes, and arrays a hundred thousand deep.
        assert!(decode(&[0xdd, 0xff, 0xff, 0xff, 0xff, 0]).is_err());
        assert!(decode(&vec![0x91; 100_000]).is_err());
    }

    #[test]
    fn text_is_json_for_custom_encoders() {
        assert_eq!(decode_text("{\"a\":1}").unwrap(), Value::Map(vec![("a".into(), 1.into())]));
        assert!(decode_text("[1]").is_err() && decode_text("{").is_err());
    }
}
