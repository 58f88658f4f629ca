//! Small JSON bodies: read whole, with the limit that the framework sets for them.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;

/// A body of at most [`Small::LIMIT`] bytes.
pub(crate) struct Small(pub(super) Bytes);

impl Small {
    /// Enough for the longest list of parts.
    const LIMIT: usize = 2 << 20;

    /// Reads JSON; nothing at all counts as `{}`. `field` and `expected` go into the error.
    pub(crate) fn json<T: DeserializeOwned>(&self, field: &str, expected: &str) -> Result<T, Error> {
        let text = if self.0.trim_ascii().is_empty() { b"{}" } else { &self.0[..] };
        object(text).map_err(|error| Error::field("json_invalid", field, format!("expected {expected}: {error}")))
    }
}

/// Reads a JSON object. A list in its place would otherwise be taken for its members, in order.
pub(crate) fn object<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<serde_json::Map<String, Value>>(text).and_then(|map| serde_json::from_value(map.into()))
}

impl<S: Send + Sync> FromRequest<S> for Small {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        axum::body::to_bytes(request.into_body(), Self::LIMIT).await.map(Self).map_err(|error| {
            match error.into_inner().downcast::<http_body_util::LengthLimitError>() {
                Ok(_) => Error::TooLarge { limit: Self::LIMIT as u64 },
                Err(_) => Error::BrokenOff,
            }
        })
    }
}
