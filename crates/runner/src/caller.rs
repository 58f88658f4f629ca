//! What the platform says about a call, in its headers.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// The call's identity. All of it may be absent when a person calls the runner by hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub request: Option<String>,
    /// Speaks for the caller's account when files are fetched and stored.
    pub cdn_token: Option<String>,
    /// What should become of the files that the call produces.
    pub lifecycle: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self {
            request: header("x-fal-request-id"),
            cdn_token: header("x-fal-cdn-token"),
            lifecycle: header("x-fal-object-lifecycle-preference"),
        })
    }
}
