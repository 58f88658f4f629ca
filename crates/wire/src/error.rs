//! Bodies of errors: the platform's (`detail` is text) and a model's (`detail` is a list).

use serde::Serialize;
use serde_json::Value;

/// `{"detail": "...", "error_type": "..."}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestError<'a> {
    pub detail: &'a str,
    pub error_type: &'a str,
}

/// `{"detail": [{...}], "error_type": "..."}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldErrors<'a> {
    pub detail: &'a [FieldError],
    pub error_type: &'a str,
}

/// What is wrong with one field of the input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    /// Where: names and indexes, from `"body"` down.
    pub loc: Vec<Value>,
    pub msg: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
}

impl FieldError {
    pub fn new(kind: &str, loc: &[&str], msg: impl Into<String>) -> Self {
        let loc = loc.iter().map(|part| Value::from(*part)).collect();
        Self { loc, msg: msg.into(), kind: kind.to_owned(), ctx: None, input: None }
    }

    pub fn at(mut self, index: impl Into<Value>) -> Self {
        self.loc.push(index.into());
        self
    }

    pub fn ctx(mut self, ctx: Value) -> Self {
        self.ctx = Some(ctx);
        self
    }

    /// What was found; long values are cut, so that an error never echoes a whole picture.
    pub fn input(mut self, found: &Value) -> Self {
        const SHOWN: usize = 256;
        self.input = Some(match found {
            Value::String(text) if text.len() > SHOWN => {
                format!("{}...", text.chars().take(SHOWN).collect::<String>()).into()
            }
            Value::Array(_) | Value::Object(_) if found.to_string().len() > SHOWN => "(too long to show)".into(),
            short => short.clone(),
        });
        self
    }
}

/// The error of the platform API under `/v1`: `{"error": {"type", "message", "request_id"}}`. `detail` repeats the
/// message for readers of the client API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlatformError<'a> {
    pub error: PlatformErrorBody<'a>,
    pub detail: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlatformErrorBody<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub message: &'a str,
    pub code: &'a str,
}

/// The type that the platform API names for an HTTP status.
pub const fn platform_kind(status: u16) -> &'static str {
    match status {
        401 | 403 => "authorization_error",
        404 => "not_found",
        429 => "rate_limited",
        400..=499 => "validation_error",
        501 => "not_implemented",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_error_has_the_members_that_clients_read() {
        let error = FieldError::new("less_than_equal", &["body", "seed"], "Input should be at most 5")
            .ctx(json!({"le": 5}))
            .input(&json!(9));
        assert_eq!(
            json!(error),
            json!({"loc": ["body", "seed"], "msg": "Input should be at most 5", "type": "less_than_equal", "ctx": {"le": 5}, "input": 9})
        );
    }

    #[test]
    fn a_long_input_is_cut_in_the_error() {
        let error = FieldError::new("x", &["body"], "").input(&json!("a".repeat(1000)));
        assert_eq!(error.input.unwrap().as_str().unwrap().len(), 259);
    }
}
