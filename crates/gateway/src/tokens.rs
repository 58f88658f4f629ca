//! Short-lived tokens: what a browser may hold instead of a key.

use std::time::Duration;

use axum::{Router, body::Bytes, extract::State, response::Response, routing::post};
use http::{HeaderMap, StatusCode};
use tintype_access::{Grant, Purpose};
use tintype_wire::token::{Token, TokenRequest};

use crate::{Error, Gateway, body, caller, error::json_response};

pub(crate) fn routes() -> Router<Gateway> {
    Router::new().route("/tokens", post(token)).route("/tokens/realtime", post(realtime))
}

/// Answers with a bare JSON string, the one form that every client reads.
async fn token(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let token = mint(&gateway, &headers, &body).await?;
    Ok(json_response(StatusCode::CREATED, &token))
}

/// The form for customers' own backends.
async fn realtime(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let token = mint(&gateway, &headers, &body).await?;
    Ok(json_response(StatusCode::CREATED, &Token { token }))
}

async fn mint(gateway: &Gateway, headers: &HeaderMap, body: &[u8]) -> Result<String, Error> {
    let identity = caller::identify(gateway, headers).await?;
    body::document(gateway, body)?;
    let asked = TokenRequest::parse(body)?;
    let expires_at = gateway.clock.now().plus(Duration::from_secs(asked.lifetime_secs));
    let purpose = Purpose::Realtime { apps: asked.apps };
    Ok(gateway.access.mint(Grant { account: identity.account, purpose, expires_at }))
}
