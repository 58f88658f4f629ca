//! Who calls: proved by a key, or by a token that a key's holder asked for.

use http::{HeaderMap, header::AUTHORIZATION};
use tintype_access::{Grant, Identity, Purpose};
use tintype_domain::{AccountId, EndpointId};
use tintype_store::KeyScope;

use crate::{Error, Gateway};

/// Proves the key in `Authorization`.
pub(crate) async fn identify(gateway: &Gateway, headers: &HeaderMap) -> Result<Identity, Error> {
    let value = headers.get(AUTHORIZATION).ok_or(Error::NoKey)?;
    let text = value.to_str().map_err(|_| Error::AuthorizationForm { found: "(not text)".into() })?;
    let (scheme, credential) = text.trim().split_once(' ').unwrap_or((text, ""));
    let known = scheme.eq_ignore_ascii_case("key") || scheme.eq_ignore_ascii_case("bearer");
    match credential.trim() {
        _ if !known => Err(Error::AuthorizationForm { found: scheme.chars().take(16).collect() }),
        // A proxy in front of a browser sends this when it was not given a key.
        "" | "undefined" | "null" => Err(Error::NoKey),
        key => Ok(gateway.access.key(key).await?),
    }
}

/// As [`identify`], for what only an operator may do.
pub(crate) async fn identify_admin(gateway: &Gateway, headers: &HeaderMap) -> Result<Identity, Error> {
    let identity = identify(gateway, headers).await?;
    match identity.scope {
        KeyScope::Admin => Ok(identity),
        KeyScope::Api => Err(Error::NotAdmin { key: identity.key.to_string() }),
    }
}

/// Proves a caller of `endpoint`: by a token in the query, else by a key.
pub(crate) async fn account(
    gateway: &Gateway,
    headers: &HeaderMap,
    token: Option<&str>,
    endpoint: &EndpointId,
) -> Result<AccountId, Error> {
    match token {
        Some(token) => by_token(gateway.access.verify(token)?, endpoint),
        None => Ok(identify(gateway, headers).await?.account),
    }
}

fn by_token(grant: Grant, endpoint: &EndpointId) -> Result<AccountId, Error> {
    let refused = |allowed: String| Error::TokenScope { endpoint: endpoint.to_string(), allowed };
    match grant.purpose {
        Purpose::Realtime { apps } if apps.iter().any(|app| opens(app, endpoint)) => Ok(grant.account),
        Purpose::Realtime { apps } => Err(refused(format!("`{}`", apps.join("`, `")))),
        Purpose::Cdn { .. } => Err(refused("files".to_owned())),
    }
}

/// Clients name the alias alone; backends name the app, or one endpoint of it.
fn opens(allowed: &str, endpoint: &EndpointId) -> bool {
    let whole = endpoint.to_string();
    let within = |rest: &str| rest.is_empty() || rest.starts_with('/');
    allowed == endpoint.app().alias()
        || whole.strip_prefix(allowed).is_some_and(|rest| within(rest) && allowed.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_alias_its_app_or_its_endpoint_and_nothing_else() {
        let endpoint = "acme/app/realtime".parse().unwrap();
        for allowed in ["app", "acme/app", "acme/app/realtime"] {
            assert!(opens(allowed, &endpoint), "{allowed}");
        }
        for allowed in ["acme", "ap", "acme/ap", "other/app", "acme/app/stream", ""] {
            assert!(!opens(allowed, &endpoint), "{allowed}");
        }
    }
}
