//! `GET /v1/events`: what happened to requests, in the order in which it was committed.

use axum::{
    extract::{Query, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_store::{Event, KeyScope};

use crate::{
    Gateway, caller,
    error::{InPlatform, json_response},
};

const MOST: u32 = 1000;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The cursor of the last event that the caller has seen; 0 or nothing: from the beginning.
    after: Option<i64>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, InPlatform> {
    let identity = caller::identify(&gateway, &headers).await?;
    let account = (identity.scope == KeyScope::Api).then_some(identity.account);
    let (after, limit) = (asked.after.unwrap_or(0), asked.limit.unwrap_or(100).clamp(1, MOST));
    let events = gateway.store.events(account, after, limit).await?;
    let cursor = events.last().map_or(after, |event| event.cursor);
    let has_more = events.len() == limit as usize;
    let events: Vec<_> = events.iter().map(describe).collect();
    Ok(json_response(StatusCode::OK, &json!({"events": events, "cursor": cursor, "has_more": has_more})))
}

fn describe(event: &Event) -> Value {
    json!({
        "cursor": event.cursor,
        "kind": event.kind,
        "request_id": event.request,
        "account": event.account,
        "app": event.app,
        "attempt": event.attempt,
        "outcome": event.outcome.map(tintype_domain::Outcome::as_str),
        "at": event.at.to_string(),
    })
}
