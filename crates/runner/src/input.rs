//! The body of a call, as JSON.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value};
use tintype_engine::Detail;

use crate::problem::Problem;

/// Data URIs make inputs large; beyond this a file belongs into storage.
pub(crate) const MAX_BODY: usize = 128 << 20;

/// Any JSON value; no body is `{}`, as some clients leave it out.
pub(crate) struct Input(pub Value);

impl Input {
    /// What models take: an object.
    pub fn into_object(self) -> Result<Map<String, Value>, Problem> {
        match self.0 {
            Value::Object(fields) => Ok(fields),
            other => {
                let message = "Input should be a valid dictionary or object to extract fields from";
                Err(Problem::Invalid(Detail::new("", "model_attributes_type", message).found(&other).into()))
            }
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&collect(request.into_body()).await?).map(Self)
    }
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::TooLarge { limit: MAX_BODY }),
        Err(error) => Err(not_json(0, &error.to_string())),
    }
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(bytes).map_err(|error| not_json(error.column(), &error.to_string()))
}

fn not_json(position: usize, reason: &str) -> Problem {
    let mut detail = Detail::new("", "json_invalid", "JSON decode error").with("error", reason);
    detail.loc.push(position.into());
    Problem::Invalid(detail.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_body_is_an_empty_input() {
        assert_eq!(parse(b" \n").unwrap(), json!({}));
    }

    #[test]
    fn broken_json_is_an_error_that_says_where_and_why() {
        let detail = parse(b"{\"a\":").unwrap_err().detail();
        assert_eq!(detail[0]["type"], "json_invalid");
        assert_eq!(detail[0]["loc"], json!(["body", 5]));
        assert!(detail[0]["ctx"]["error"].as_str().unwrap().contains("EOF"));
    }

    #[test]
    fn json_that_nests_without_end_is_refused() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_model_takes_an_object_only() {
        let detail = Input(json!([1])).into_object().unwrap_err().detail();
        assert_eq!(detail[0]["type"], "model_attributes_type");
    }
}
