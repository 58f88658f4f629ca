//! A runner's answer on its way to the caller.

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde_json::json;
use tintype_dispatch::{Lease, RunnerBody};
use tintype_domain::{ErrorType, Failure, RequestId};

use super::{events, relayed::Relayed};
use crate::{Error, Gateway, error::json_response, headers};

/// Answers up to this size are read whole first, so that one that breaks off is a clean 502.
const HELD: u64 = 1 << 20;

pub(crate) async fn relay(
    gateway: &Gateway,
    id: RequestId,
    lease: Lease,
    response: http::Response<RunnerBody>,
) -> Result<Response, Error> {
    let (parts, body) = response.into_parts();
    let limit = gateway.options.max_header_bytes;
    let found = headers::size(&parts.headers);
    if found > limit {
        let verdict = lease.verdict();
        lease.finish(verdict);
        let detail = format!("the app answered with {found} bytes of headers: at most {limit} are allowed");
        return Err(Failure::new(ErrorType::RunnerIncompleteResponse, detail).into());
    }
    // What is really to come: beside a chunked body, a declared length means nothing.
    let length = body.size_hint().exact();
    let mut kept = headers::for_caller(&parts.headers);
    headers::mark(&mut kept, parts.status.as_u16(), &id.to_string(), Some(lease.runner().as_str()));
    let mut answer = match length {
        _ if is_event_stream(&parts.headers) => Response::new(events::relay(gateway, body, lease)),
        Some(length) if length <= HELD => held(parts.status, body, lease).await?,
        length => Response::new(streamed(&mut kept, body, lease, length)),
    };
    *answer.status_mut() = parts.status;
    answer.headers_mut().extend(kept);
    Ok(answer)
}

async fn held(status: StatusCode, body: RunnerBody, lease: Lease) -> Result<Response, Error> {
    let whole = body.collect().await;
    let verdict = lease.verdict();
    lease.finish(verdict);
    let whole = whole.map_err(|error| {
        Failure::new(ErrorType::RunnerIncompleteResponse, format!("the app's answer broke off: {error}"))
    })?;
    let bytes = whole.to_bytes();
    // Clients fail on an error without a JSON object in it.
    if bytes.is_empty() && (status.is_client_error() || status.is_server_error()) {
        return Ok(json_response(status, &json!({"detail": status.canonical_reason().unwrap_or("the app failed")})));
    }
    Ok(Response::new(Body::from(bytes)))
}

fn streamed(kept: &mut HeaderMap, body: RunnerBody, lease: Lease, length: Option<u64>) -> Body {
    if let Some(length) = length {
        kept.insert(CONTENT_LENGTH, length.into());
    }
    Body::new(Relayed::new(body, lease, length))
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    declared.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}
