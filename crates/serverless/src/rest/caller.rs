//! Who calls a deployment route, proved by a key.

use axum::extract::FromRequestParts;
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use tintype_access::Identity;
use tintype_domain::AccountId;
use tintype_store::KeyScope;

use super::Problem;
use crate::Serverless;

/// The account behind a key that may deploy. What lies in `/data` is code to its apps, and what they write may be
/// anything: that is for no key that may merely call them, those of runners among them.
pub(super) struct Caller(pub AccountId);

impl FromRequestParts<Serverless> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, serverless: &Serverless) -> Result<Self, Problem> {
        let Identity { account, key, scope } = identify(parts, serverless).await?;
        match scope {
            KeyScope::Admin => Ok(Self(account)),
            KeyScope::Api => Err(Problem::NotAdmin { key: key.to_string() }),
        }
    }
}

/// The account behind any key.
pub(super) struct Anyone(pub AccountId);

impl FromRequestParts<Serverless> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, serverless: &Serverless) -> Result<Self, Problem> {
        Ok(Self(identify(parts, serverless).await?.account))
    }
}

async fn identify(parts: &Parts, serverless: &Serverless) -> Result<Identity, Problem> {
    Ok(serverless.access.key(&key(&parts.headers)?).await?)
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let value = headers.get(AUTHORIZATION).ok_or(Problem::NoKey)?;
    let text = value.to_str().map_err(|_| Problem::Authorization { found: "(not text)".into() })?;
    let (scheme, credential) = text.trim().split_once(' ').unwrap_or((text, ""));
    let known = scheme.eq_ignore_ascii_case("key") || scheme.eq_ignore_ascii_case("bearer");
    match credential.trim() {
        _ if !known => Err(Problem::Authorization { found: scheme.chars().take(16).collect() }),
        "" => Err(Problem::NoKey),
        credential => Ok(credential.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_its_header_and_anything_else_is_told() {
        let read = |value: &'static str| key(&[(AUTHORIZATION, value.parse().unwrap())].into_iter().collect());
        assert_eq!(read("Key a:b").unwrap(), "a:b");
        assert_eq!(read("bearer  a:b ").unwrap(), "a:b");
        assert!(matches!(read("Key"), Err(Problem::NoKey)));
        assert!(matches!(read("Basic a:b"), Err(Problem::Authorization { found }) if found == "Basic"));
        assert!(matches!(key(&HeaderMap::new()), Err(Problem::NoKey)));
    }
}
