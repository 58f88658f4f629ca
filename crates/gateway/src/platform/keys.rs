//! `/v1/keys`: an operator lists, makes and revokes keys.

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_access::KeyError;
use tintype_domain::{AccountId, KeyId};
use tintype_store::{KeyRecord, KeyScope};
use tintype_wire::error::FieldError;

use crate::{
    Error, Gateway, body, caller,
    error::{InPlatform, json_response},
};

/// What a new key is to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    alias: String,
    #[serde(default = "api")]
    scope: KeyScope,
    /// Whose key it is; the caller's own account when absent.
    #[serde(default)]
    account: Option<String>,
}

const fn api() -> KeyScope {
    KeyScope::Api
}

pub(super) async fn list(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, InPlatform> {
    caller::identify_admin(&gateway, &headers).await?;
    let keys = gateway.access.keys().await.map_err(Error::from)?;
    let keys: Vec<_> = keys.iter().map(describe).collect();
    Ok(json_response(StatusCode::OK, &json!({"keys": keys})))
}

pub(super) async fn create(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, InPlatform> {
    let identity = caller::identify_admin(&gateway, &headers).await?;
    body::document(&gateway, &bytes)?;
    let wanted: Wanted = serde_json::from_slice(&bytes).map_err(|error| {
        let expected = format!("expected an object with `alias`, and `scope` as API or ADMIN: {error}");
        Box::new(FieldError::new("value_error", &["body"], expected))
    })?;
    let account = wanted.account.map_or(identity.account, AccountId::new);
    let (record, key) = gateway.access.create_key(account, &wanted.alias, wanted.scope).await.map_err(Error::from)?;
    let mut answer = describe(&record);
    let (_, secret) = key.split_once(':').unwrap_or(("", &key));
    answer["key_secret"] = json!(secret);
    answer["key"] = json!(key);
    Ok(json_response(StatusCode::CREATED, &answer))
}

pub(super) async fn revoke(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, InPlatform> {
    caller::identify_admin(&gateway, &headers).await?;
    if gateway.access.revoke_key(&KeyId::new(&id)).await.map_err(Error::from)? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Error::UnknownKey { id }.into())
    }
}

fn describe(key: &KeyRecord) -> Value {
    json!({
        "key_id": key.id,
        "alias": key.alias,
        "scope": key.scope,
        "account": key.account,
        "created_at": key.created_at.to_string(),
        "revoked_at": key.revoked_at.map(|at| at.to_string()),
    })
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(source) => Self::Store(source),
            KeyError::LastAdmin { id } => Self::LastAdminKey { id },
            KeyError::NoRandomness => Self::Internal,
            wrong => Self::Field(Box::new(FieldError::new("value_error", &["body", "alias"], wrong.to_string()))),
        }
    }
}
