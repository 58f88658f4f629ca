//! Bodies of the token routes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::FieldError;

/// Seconds that a token may live.
pub const LIFETIME: std::ops::RangeInclusive<u64> = 1..=3600;
const DEFAULT_LIFETIME: u64 = 120;
const MOST_APPS: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub apps: Vec<String>,
    pub lifetime_secs: u64,
}

/// `{"token": "..."}`, the answer of `/tokens/realtime`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    pub token: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    allowed_apps: Option<Value>,
    #[serde(default)]
    app: Option<Value>,
    #[serde(default, alias = "duration")]
    token_expiration: Option<Value>,
}

impl TokenRequest {
    /// Reads `{"allowed_apps": [..], "token_expiration": n}`, or `{"app": "..", "duration": n}`.
    pub fn parse(body: &[u8]) -> Result<Self, Box<FieldError>> {
        let body: Body = serde_json::from_slice(body).map_err(|error| {
            FieldError::new("json_invalid", &["body"], format!("expected a JSON object with `allowed_apps`: {error}"))
        })?;
        let apps = match (body.allowed_apps, body.app) {
            (Some(apps), _) => list(&apps)?,
            (None, Some(app)) => vec![name(&app, FieldError::new("string_type", &["body", "app"], ""))?],
            (None, None) => return Err(missing()),
        };
        Ok(Self { apps, lifetime_secs: lifetime(body.token_expiration)? })
    }
}

fn missing() -> Box<FieldError> {
    FieldError::new(
        "missing",
        &["body", "allowed_apps"],
        "Field required: the aliases or endpoint ids that the token opens",
    )
    .into()
}

fn list(apps: &Value) -> Result<Vec<String>, Box<FieldError>> {
    let wrong = |msg: String| FieldError::new("list_type", &["body", "allowed_apps"], msg).input(apps).into();
    let Value::Array(items) = apps else {
        return Err(wrong("expected a list of aliases or endpoint ids".into()));
    };
    if items.is_empty() || items.len() > MOST_APPS {
        return Err(wrong(format!("expected 1 to {MOST_APPS} entries, found {}", items.len())));
    }
    let at = |index| FieldError::new("string_type", &["body", "allowed_apps"], "").at(index);
    items.iter().enumerate().map(|(index, item)| name(item, at(index))).collect()
}

fn name(value: &Value, mut error: FieldError) -> Result<String, Box<FieldError>> {
    match value {
        Value::String(text) if (1..=512).contains(&text.len()) => Ok(text.trim_matches('/').to_owned()),
        other => {
            error.msg = "expected an alias or an endpoint id, 1 to 512 characters long".into();
            Err(Box::new(error.input(other)))
        }
    }
}

fn lifetime(value: Option<Value>) -> Result<u64, Box<FieldError>> {
    let Some(value) = value else { return Ok(DEFAULT_LIFETIME) };
    let seconds = value.as_u64().or_else(|| value.as_f64().filter(|secs| *secs >= 1.0).map(|secs| secs as u64));
    seconds.filter(|seconds| LIFETIME.contains(seconds)).ok_or_else(|| {
        let (least, most) = (LIFETIME.start(), LIFETIME.end());
        FieldError::new("value_error", &["body", "token_expiration"], format!("expected {least} to {most} seconds"))
            .ctx(json!({"ge": least, "le": most}))
            .input(&value)
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &Value) -> Result<TokenRequest, Box<FieldError>> {
        TokenRequest::parse(value.to_string().as_bytes())
    }

    #[test]
    fn all_three_known_forms_are_read() {
        let expected = |apps: &[&str], lifetime_secs| {
            Ok(TokenRequest { apps: apps.iter().map(|app| (*app).to_owned()).collect(), lifetime_secs })
        };
        assert_eq!(parse(&json!({"allowed_apps": ["test"], "token_expiration": 120})), expected(&["test"], 120));
        assert_eq!(parse(&json!({"allowed_apps": ["a/b/realtime"], "duration": 60})), expected(&["a/b/realtime"], 60));
        assert_eq!(parse(&json!({"app": "a/b"})), expected(&["a/b"], 120));
    }

    #[test]
    fn wrong_forms_name_the_field_and_the_limit() {
        for (body, field) in [
            (json!({}), "allowed_apps"),
            (json!({"allowed_apps": "test"}), "allowed_apps"),
            (json!({"allowed_apps": []}), "allowed_apps"),
            (json!({"allowed_apps": [1]}), "allowed_apps"),
            (json!({"app": "x", "duration": 100_000}), "token_expiration"),
            (json!({"app": "x", "duration": "long"}), "token_expiration"),
        ] {
            assert_eq!(parse(&body).unwrap_err().loc[1], field, "{body}");
        }
        assert!(TokenRequest::parse(b"[").is_err());
    }
}
