//! Plain calls: wait, misbehave, echo.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header::CONTENT_LENGTH};
use serde_json::{Map, Value, json};
use tintype_engine::{Cancelled, Wanted};
use tokio_util::sync::CancellationToken;

use super::script::{Crash, Line, Script, Upload};
use crate::{
    caller::Caller,
    input::Input,
    log::{self, Level},
    problem::{Problem, json_answer},
    serve::Shared,
};

/// In which time bytes that were written have reached a local socket.
pub(super) const FLUSHED: Duration = Duration::from_millis(20);

static HUNG: AtomicBool = AtomicBool::new(false);

/// Whether a call has asked the whole runner to hang.
pub(super) fn is_hung() -> bool {
    HUNG.load(Ordering::Relaxed)
}

pub(super) async fn call(
    State(shared): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
    Input(input): Input,
) -> Result<Response, Problem> {
    let script = Script::read(&input)?;
    let running = shared.calls.begin(caller.request.as_deref());
    wait(&script, &caller, &running.token).await?;
    if script.is_bad()
        && let Some(response) = misbehave(&script).await
    {
        return Ok(response);
    }
    let mut answer = if script.describe { describe(uri.path(), &headers, &input) } else { input };
    move_files(&shared, &caller, &script, &mut answer).await?;
    if script.padding > 0 {
        answer["padding"] = "x".repeat(script.padding).into();
    }
    Ok(with_headers(json_answer(StatusCode::OK, &answer), &script.headers))
}

/// Says what it was told to say, and waits.
pub(super) async fn wait(script: &Script, caller: &Caller, token: &CancellationToken) -> Result<(), Problem> {
    let request = caller.request.as_deref();
    for line in &script.logs {
        match line {
            Line::Text(message) => log::line(Level::Info, request, message),
            Line::Full { level, message } => log::line(Level::named(level), request, message),
        }
    }
    script.stdout.iter().for_each(|line| log::raw(line));
    if script.sleep_ms == 0 {
        return Ok(());
    }
    tokio::select! {
        () = token.cancelled(), if !script.stubborn => Err(Cancelled.into()),
        () = tokio::time::sleep(script.sleep()) => Ok(()),
    }
}

/// The answer that was asked for in place of the echo; some of these do not come back at all.
#[expect(clippy::disallowed_methods, reason = "a crash that drops nothing is what was asked for")]
pub(super) async fn misbehave(script: &Script) -> Option<Response> {
    match script.crash {
        Some(Crash::Exit) => std::process::exit(1),
        Some(Crash::Abort) => std::process::abort(),
        Some(Crash::Memory) => exhaust_memory(),
        Some(Crash::Hang) => {
            HUNG.store(true, Ordering::Relaxed);
            std::future::pending::<()>().await;
        }
        Some(Crash::Disconnect) => return Some(half_an_answer()),
        None => {}
    }
    if let Some(text) = &script.text {
        return Some(with_headers(text.clone().into_response(), &script.headers));
    }
    let status = StatusCode::from_u16(script.status?).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let explained = || json!({ "detail": format!("the call asked for status {}", status.as_u16()) });
    let body = script.body.clone().unwrap_or_else(explained);
    Some(with_headers(json_answer(status, &body), &script.headers))
}

fn exhaust_memory() -> ! {
    let mut held = Vec::new();
    loop {
        // Written to, or the pages would never be taken.
        held.push(vec![1_u8; 16 << 20]);
        std::hint::black_box(&held);
    }
}

/// Promises 1,000 bytes, sends some and breaks.
fn half_an_answer() -> Response {
    let begun = stream::iter([Ok(Bytes::from_static(b"{\"half\":"))]);
    let broken = stream::once(async {
        // What was begun must be on its way first.
        tokio::time::sleep(FLUSHED).await;
        Err(std::io::Error::other("asked to disconnect"))
    });
    let body = Body::from_stream(begun.chain(broken));
    ([(CONTENT_LENGTH, "1000")], body).into_response()
}

fn describe(path: &str, headers: &HeaderMap, input: &Value) -> Value {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), Value::from(String::from_utf8_lossy(value.as_bytes())))
    };
    let headers: Map<String, Value> = headers.iter().map(header).collect();
    json!({ "path": path, "headers": headers, "pid": std::process::id(), "input": input })
}

async fn move_files(shared: &Shared, caller: &Caller, script: &Script, answer: &mut Value) -> Result<(), Problem> {
    if let Some(url) = &script.fetch {
        let wanted = Wanted { field: "fetch".into(), url: url.clone(), max_bytes: 32 << 20 };
        let bytes = shared.platform.fetch(caller, &wanted).await?;
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).into_owned();
        answer["fetched"] = json!({ "size": bytes.len(), "start": start });
    }
    if let Some(Upload { text, file_name, content_type }) = &script.upload {
        let url = shared.platform.upload(caller, file_name, content_type, text.clone().into()).await?;
        answer["file"] = json!({ "url": url, "content_type": content_type, "file_size": text.len() });
    }
    Ok(())
}

/// Names and values that HTTP does not allow are left out.
fn with_headers(mut response: Response, headers: &Map<String, Value>) -> Response {
    for (name, value) in headers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
