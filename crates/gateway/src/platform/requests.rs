//! `/v1/requests`: requests of the caller's account, newest first; an ADMIN key sees those of all accounts.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_access::Identity;
use tintype_dispatch::Status;
use tintype_domain::RequestId;
use tintype_store::{KeyScope, RequestFilter, RequestRecord, RequestState};
use tintype_wire::status::Log;

use crate::{
    Error, Gateway, caller,
    error::{InPlatform, json_response},
    queue,
};

const MOST: u32 = 1000;
const LOGS: u32 = 10_000;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    limit: Option<u32>,
    /// Only requests older than this id.
    before: Option<String>,
    app: Option<String>,
    /// Only requests that have not ended.
    open: Option<String>,
}

pub(super) async fn list(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, InPlatform> {
    let identity = caller::identify(&gateway, &headers).await?;
    let limit = asked.limit.unwrap_or(50).clamp(1, MOST);
    let filter = RequestFilter {
        account: visible(&identity),
        app: asked.app.map(|app| app.parse()).transpose().map_err(Error::EndpointForm)?,
        open: asked.open.as_deref().is_some_and(tintype_wire::request::is_on),
        before: asked.before.map(|id| id.parse()).transpose().map_err(Error::RequestId)?,
        limit: limit + 1,
    };
    let mut records = gateway.store.requests(filter).await?;
    let has_more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let next = records.last().filter(|_| has_more).map(|record| record.id.to_string());
    let requests: Vec<_> = records.iter().map(describe).collect();
    Ok(json_response(StatusCode::OK, &json!({"requests": requests, "has_more": has_more, "next_cursor": next})))
}

pub(super) async fn show(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, InPlatform> {
    let (identity, status) = find(&gateway, &headers, &id).await?;
    let Status { record, queue_position, waiting, .. } = status;
    let is_admin = visible(&identity).is_none();
    let logs = if is_admin || queue::shows_logs(&gateway, &record.app, &identity.account) {
        gateway.dispatch.logs(record.id, 0, LOGS).await?
    } else {
        Vec::new()
    };
    let logs: Vec<_> = logs.into_iter().map(|log| Log::from(log.entry)).collect();
    let mut body = describe(&record);
    body["queue_position"] = json!(queue_position);
    body["waiting"] = json!(waiting.map(queue::Why::from));
    body["logs"] = json!(logs);
    Ok(json_response(StatusCode::OK, &body))
}

pub(super) async fn cancel(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, InPlatform> {
    let (_, status) = find(&gateway, &headers, &id).await?;
    Ok(queue::cancelled(queue::cancel(&gateway, status.record.id).await?))
}

async fn find(gateway: &Gateway, headers: &HeaderMap, id: &str) -> Result<(Identity, Status), Error> {
    let identity = caller::identify(gateway, headers).await?;
    let parsed: RequestId = id.parse()?;
    let account = visible(&identity);
    let status = gateway.dispatch.status(parsed).await?;
    let status = status.filter(|status| account.as_ref().is_none_or(|account| *account == status.record.account));
    status.map(|status| (identity, status)).ok_or_else(|| Error::UnknownRequest { id: id.to_owned() })
}

fn visible(identity: &Identity) -> Option<tintype_domain::AccountId> {
    match identity.scope {
        KeyScope::Admin => None,
        KeyScope::Api => Some(identity.account.clone()),
    }
}

fn describe(record: &RequestRecord) -> Value {
    let (status, outcome) = match record.state {
        RequestState::Waiting => ("IN_QUEUE", None),
        RequestState::Running => ("IN_PROGRESS", None),
        RequestState::Done(outcome) => ("COMPLETED", Some(outcome.as_str())),
    };
    let path = record.path.split('?').next().unwrap_or("");
    let time = |at: Option<tintype_domain::Timestamp>| at.map(|at| at.to_string());
    json!({
        "request_id": record.id,
        "endpoint_id": format!("{}{path}", record.app),
        "app": record.app,
        "account": record.account,
        "status": status,
        "outcome": outcome,
        "queued": !record.direct,
        "priority": record.priority,
        "attempts": record.attempts,
        "gateway_request_id": record.gateway_request_id,
        "runner": record.runner,
        "submitted_at": record.submitted_at.to_string(),
        "started_at": time(record.started_at),
        "finished_at": time(record.finished_at),
        "status_code": record.status_code,
        "error": record.error,
        "error_type": record.error_type.map(tintype_domain::ErrorType::as_str),
        "expires_at": time(record.expires_at),
    })
}
