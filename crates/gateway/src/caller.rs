//! Who calls: proved by a key, or by a token that a key's holder asked for.

use std::sync::Arc;

use http::{HeaderMap, header::AUTHORIZATION};
use tintype_access::{Grant, Identity, Purpose};
use tintype_catalog::Deployed;
use tintype_domain::{AccountId, AppId, EndpointId};
use tintype_store::{AuthMode, KeyScope};

use crate::{
    Error, Gateway,
    body::Taste,
    endpoint::{self, Target},
};

/// Proves the key in `Authorization`.
pub(crate) async fn identify(gateway: &Gateway, headers: &HeaderMap) -> Result<Identity, Error> {
    let value = headers.get(AUTHORIZATION).filter(|_| shows_key(headers)).ok_or(Error::NoKey)?;
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

/// Whose the calls are that nobody signed.
const ANONYMOUS: &str = "anonymous";

/// A caller, and the endpoint that it may reach.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub account: AccountId,
    pub target: Target,
    /// Where `target` is an app that someone deployed.
    pub deployed: Option<Arc<Deployed>>,
}

impl Admitted {
    /// Whether the app is the caller's own. The models of the gallery are everyone's.
    pub(crate) fn is_owner(&self) -> bool {
        self.deployed.as_ref().is_none_or(|deployed| deployed.owner == self.account)
    }

    /// The models of the gallery take JSON alone.
    pub(crate) fn taste(&self) -> Taste {
        if self.deployed.is_some() { Taste::Anything } else { Taste::Json }
    }
}

/// Proves a caller of `named`, and that the app opens to it: by a token in the query, else by a key, else by nothing
/// where the app is public.
pub(crate) async fn admit(
    gateway: &Gateway,
    headers: &HeaderMap,
    token: Option<&str>,
    named: &EndpointId,
) -> Result<Admitted, Error> {
    let target = endpoint::find(gateway, named);
    let deployed = target.as_ref().and_then(|target| gateway.catalog.deployed(target.actual.app()));
    let account = match &deployed {
        Some(deployed) if token.is_none() && needs_no_key(deployed, headers) => AccountId::new(ANONYMOUS),
        _ => account(gateway, headers, token, named).await?,
    };
    let target = target.ok_or_else(|| endpoint::unknown(gateway, named, Some(&account)))?;
    match &deployed {
        Some(deployed) if !deployed.opens_to(Some(&account)) => {
            Err(Error::PrivateApp { app: target.actual.app().to_string() })
        }
        _ => Ok(Admitted { account, target, deployed }),
    }
}

/// Who asks about a request under `app`: a key's account, or nobody in particular where the app is public.
pub(crate) async fn asker(gateway: &Gateway, headers: &HeaderMap, app: &AppId) -> Result<AccountId, Error> {
    match gateway.catalog.deployed(app) {
        Some(deployed) if needs_no_key(&deployed, headers) => Ok(AccountId::new(ANONYMOUS)),
        _ => Ok(identify(gateway, headers).await?.account),
    }
}

/// A key that is shown is read all the same: what is done with it belongs to its account.
fn needs_no_key(deployed: &Deployed, headers: &HeaderMap) -> bool {
    deployed.auth_mode == AuthMode::Public && !shows_key(headers)
}

/// Whether anything at all stands in `Authorization`.
fn shows_key(headers: &HeaderMap) -> bool {
    headers.get(AUTHORIZATION).is_some_and(|value| !value.as_bytes().trim_ascii().is_empty())
}

/// Who asks where no key is needed. A key that is shown must be a good one.
pub(crate) async fn reader(gateway: &Gateway, headers: &HeaderMap) -> Result<Option<AccountId>, Error> {
    if shows_key(headers) { Ok(Some(identify(gateway, headers).await?.account)) } else { Ok(None) }
}

/// Proves a caller of `endpoint`: by a token in the query, else by a key.
async fn account(
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
        // It is a key, and is shown as one.
        Purpose::Runner { app } => Err(refused(format!("the `Authorization` header of runners of `{app}`"))),
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
