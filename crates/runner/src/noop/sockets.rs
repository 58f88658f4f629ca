//! `/realtime` echoes MessagePack maps; `/ws` echoes raw frames.

use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use rmpv::Value;

use super::script::Script;
use crate::{
    caller::Caller,
    problem::Problem,
    realtime::{self, MAX_MESSAGE, Reply},
    serve::Shared,
    session::Buffering,
};

pub(super) async fn realtime(
    State(shared): State<Shared>,
    buffering: Buffering,
    caller: Caller,
    upgrade: WebSocketUpgrade,
) -> Response {
    let limits = buffering.limits(&shared.options);
    let guard = shared.sessions.token();
    upgrade.max_message_size(MAX_MESSAGE).on_upgrade(move |socket| async move {
        let _guard = guard;
        let running = shared.calls.begin(caller.request.as_deref());
        realtime::session(socket, limits, shared.stop.clone(), |input| answer(input, &caller, &running.token)).await;
    })
}

async fn answer(input: Value, caller: &Caller, token: &tokio_util::sync::CancellationToken) -> Reply {
    let json = serde_json::to_value(&input).unwrap_or_default();
    let script = match Script::read(&json) {
        Ok(script) => script,
        Err(invalid) => return Reply::Refused { code: "INVALID_INPUT".into(), reason: invalid.to_string() },
    };
    if let Err(problem) = super::call::wait(&script, caller, token).await {
        return Reply::Failed { reason: problem.to_string() };
    }
    if script.is_bad() && script.crash.is_some() {
        super::call::misbehave(&script).await;
    }
    match (script.error, script.close) {
        (Some(code), _) if code == "INTERNAL_ERROR" => Reply::Failed { reason: "the call asked for it".into() },
        (Some(code), _) => Reply::Refused { code, reason: "the call asked for it".into() },
        (None, Some(code)) => Reply::Close(code),
        (None, None) => Reply::Result(input),
    }
}

pub(super) async fn echo(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Result<Response, Problem> {
    let guard = shared.sessions.token();
    Ok(upgrade.max_message_size(MAX_MESSAGE).on_upgrade(move |socket| async move {
        let _guard = guard;
        tokio::select! {
            () = echo_frames(socket) => {}
            // Frames are answered at once, so there is nothing to finish.
            () = shared.stop.cancelled() => {}
        }
    }))
}

/// The text `close:4001` closes with that code; everything else comes back as it is.
async fn echo_frames(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let reply = match message {
            Message::Text(text) => match text.strip_prefix("close:").and_then(|code| code.parse().ok()) {
                Some(code) => Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() })),
                None => Message::Text(text),
            },
            Message::Binary(bytes) => Message::Binary(bytes),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        if socket.send(reply).await.is_err() {
            return;
        }
    }
}
