//! `GET /v1/models`: what can be called here. No key is needed; with one, the caller's own apps are there too.

mod asked;
mod listed;
pub(super) mod pricing;

use axum::{
    Extension,
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use self::asked::Asked;
use crate::{
    Error, Gateway, caller, endpoint,
    error::{InPlatform, json_response},
    gallery::{self, Entry},
    origin::Origin,
};

pub(super) async fn list(
    State(gateway): State<Gateway>,
    Extension(origin): Extension<Origin>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, InPlatform> {
    let asked = Asked::parse(query.as_deref().unwrap_or(""))?;
    let reader = caller::reader(&gateway, &headers).await?;
    let addresses = gallery::addresses(&gateway, &origin);
    let entries = gallery::all(&gateway, reader.as_ref());
    let named = named(&gateway, &asked.endpoints)?;
    let is_named = |entry: &&Entry<'_>| named.is_empty() || named.contains(&entry.id());
    let is_wanted = |entry: &&Entry<'_>| asked.deprecated.is_none_or(|wanted| wanted == entry.is_deprecated());
    let found = asked.search.ranked(entries.iter().filter(is_named).filter(is_wanted));
    let skip = (asked.page - 1).saturating_mul(asked.limit);
    let page = found.iter().skip(skip).take(asked.limit);
    let models: Vec<_> = page.map(|entry| listed::listed(&gateway, entry, &addresses, asked.with_openapi)).collect();
    let has_more = found.len() > skip.saturating_add(models.len()) && !models.is_empty();
    let next = has_more.then(|| asked::cursor(asked.page + 1));
    Ok(json_response(StatusCode::OK, &json!({"models": models, "next_cursor": next, "has_more": has_more})))
}

/// What the ids stand for.
fn named(gateway: &Gateway, ids: &[String]) -> Result<Vec<String>, Error> {
    ids.iter().map(|id| Ok(gateway.catalog.resolve(&endpoint::parse(id)?).to_string())).collect()
}
