//! `POST /storage/auth/token`: a token that uploads and reads files, without the key.

use std::time::Duration;

use axum::{Json, extract::State};
use http::HeaderMap;
use serde::Deserialize;
use tintype_access::{Grant, Purpose};
use tintype_domain::Timestamp;

use super::{answer::Granted, body::Small, error::Error, files::Files};

const DEFAULT_LIFETIME: u64 = 3600;
const MAX_LIFETIME: u64 = 30 * 24 * 3600;

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    expiration_seconds: Option<u64>,
}

pub(crate) async fn issue(State(files): State<Files>, headers: HeaderMap, body: Small) -> Result<Json<Granted>, Error> {
    let account = files.key_holder(&headers).await?;
    let lifetime = lifetime(&body)?;
    let expires_at = files.now().plus(lifetime);
    let token = files.access.mint(Grant { account, purpose: Purpose::Cdn { lifecycle: None }, expires_at });
    Ok(Json(Granted {
        token,
        token_type: "Bearer",
        base_url: files.base().to_owned(),
        expires_at: with_offset(expires_at),
    }))
}

fn lifetime(body: &Small) -> Result<Duration, Error> {
    let wanted: Wanted = body.json("expiration_seconds", "{\"expiration_seconds\": n}")?;
    let seconds = wanted.expiration_seconds.unwrap_or(DEFAULT_LIFETIME);
    if (1..=MAX_LIFETIME).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        let message = format!("found {seconds}: expected 1 to {MAX_LIFETIME} seconds");
        Err(Error::field("value_error", "expiration_seconds", message))
    }
}

/// Python before 3.11 cannot read `Z`, and a time without an offset breaks the client.
fn with_offset(at: Timestamp) -> String {
    at.to_string().replace('Z', "+00:00")
}
