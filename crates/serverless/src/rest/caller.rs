//! Who calls a deployment route, proved by a key.

use axum::extract::FromRequestParts;
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use tintype_domain::AccountId;

use super::Problem;
use crate::Serverless;

/// The account behind the key.
pub(super) struct Caller(pub AccountId);

impl FromRequestParts<Serverless> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, serverless: &Serverless) -> Result<Self, Problem> {
        let key = key(&parts.headers)?;
        Ok(Self(serverless.access.key(&key).await?.account))
    }
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
