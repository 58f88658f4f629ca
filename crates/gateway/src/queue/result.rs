//! The result: status, headers and body as the model gave them, as often as it is asked for.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tintype_domain::{Outcome, RunnerId};
use tintype_store::{RequestRecord, RequestState, StoredResponse};
use tintype_wire::header;

use super::found::Asked;
use crate::{Error, Gateway, headers};

pub(super) async fn result(gateway: &Gateway, asked: Asked) -> Result<Response, Error> {
    let id = asked.id;
    let record = asked.status.record;
    let RequestState::Done(outcome) = record.state else {
        return Err(Error::InProgress { id: id.to_string() });
    };
    let stored = gateway.store.result(id).await?.ok_or_else(|| Error::ResultGone { id: id.to_string() })?;
    if !record.keep_payloads {
        gateway.store.forget_payloads(id).await?;
    }
    Ok(replay(stored, &record, outcome))
}

fn replay(stored: StoredResponse, record: &RequestRecord, outcome: Outcome) -> Response {
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let given: HeaderMap = stored.headers.iter().filter_map(|(name, value)| pair(name, value)).collect();
    let mut response = Response::new(Body::from(stored.body));
    *response.status_mut() = status;
    let kept = response.headers_mut();
    *kept = headers::for_caller(&given);
    headers::mark(kept, stored.status, &record.id.to_string(), record.runner.as_ref().map(RunnerId::as_str));
    if outcome == Outcome::Expired {
        kept.insert(header::TIMEOUT_TYPE, HeaderValue::from_static("user"));
    }
    if let Some(kind) = record.error_type {
        kept.insert(header::ERROR_TYPE, HeaderValue::from_static(kind.as_str()));
    }
    response
}

fn pair(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, value.parse().ok()?))
}
