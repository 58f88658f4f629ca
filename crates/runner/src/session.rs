//! How a realtime session is set up, by its handshake.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::Deserialize;
use tintype_engine::Detail;

use crate::{Options, problem::Problem, realtime::Limits};

/// Inputs that may wait while one is computed, unless the caller says otherwise.
const DEFAULT: usize = 10;
const LARGEST: usize = 60;

/// `max_buffering` of the handshake.
#[derive(Clone, Copy)]
pub(crate) struct Buffering(usize);

#[derive(Deserialize)]
struct Parameters {
    max_buffering: Option<String>,
}

impl Buffering {
    pub fn limits(self, options: &Options) -> Limits {
        Limits { buffering: self.0, timeout: options.session_timeout }
    }
}

impl<S: Sync> FromRequestParts<S> for Buffering {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let asked = Query::<Parameters>::try_from_uri(&parts.uri).ok().and_then(|query| query.0.max_buffering);
        parse(asked.as_deref()).map(Self)
    }
}

fn parse(asked: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = asked else { return Ok(DEFAULT) };
    text.parse().ok().filter(|count| (1..=LARGEST).contains(count)).ok_or_else(|| {
        let message = format!("`max_buffering` is `{text}`: it should be a whole number from 1 to {LARGEST}");
        let mut detail = Detail::new("max_buffering", "value_error", message);
        detail.loc[0] = "query".into();
        Problem::Invalid(detail.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_holds_one_to_sixty_inputs() {
        assert_eq!(parse(None).unwrap(), 10);
        assert_eq!(parse(Some("60")).unwrap(), 60);
        for wrong in ["0", "61", "-1", "many", ""] {
            assert_eq!(parse(Some(wrong)).unwrap_err().detail()[0]["loc"][0], "query");
        }
    }
}
