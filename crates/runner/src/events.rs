//! Server-sent events: one JSON value per event, and nothing but `data:` lines.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;

/// Answers with a stream of events; an error breaks the connection, which is the only way to say
/// that something went wrong after the first event.
pub(crate) fn answer<S, E>(events: S) -> Response
where
    S: Stream<Item = Result<Value, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let body = Body::from_stream(events.map(|event| event.map(|value| frame(&value))));
    ([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")], body).into_response()
}

fn frame(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_however_many_its_text_has() {
        assert_eq!(frame(&serde_json::json!({ "a": "x\ny" })), "data: {\"a\":\"x\\ny\"}\n\n");
    }
}
