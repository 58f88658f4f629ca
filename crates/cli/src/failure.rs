//! Why a command failed: what to tell, and the exit status.

use std::{error::Error, fmt, process::ExitCode};

use serde_json::Value;

/// A message for a person: what happened, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// The answer of the server, where there was one.
    pub(crate) answer: Option<Value>,
    pub(crate) code: ExitCode,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), answer: None, code: ExitCode::FAILURE }
    }

    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code: code.into(), ..self }
    }

    /// An error of the fal shapes: `detail` is a text or a list of what is wrong with which field.
    pub(crate) fn answered(status: u16, answer: Value) -> Self {
        let message = explain(&answer).unwrap_or_else(|| format!("the server answered with status {status}"));
        Self { message, answer: Some(answer), code: ExitCode::FAILURE }
    }

    /// Adds where an input is described, to an answer that finds fault with fields of one.
    pub(crate) fn about_input_of(mut self, endpoint: &str) -> Self {
        let fields = self.answer.as_ref().and_then(|answer| answer["detail"].as_array());
        if fields.is_some_and(|fields| !fields.is_empty()) {
            self.message = format!("{}\n`tintype models {endpoint}` shows what it takes", self.message);
        }
        self
    }
}

fn explain(answer: &Value) -> Option<String> {
    match answer.get("detail").or_else(|| answer.pointer("/error/message"))? {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().map(one_field).collect::<Vec<_>>().join("\n")),
        _ => None,
    }
}

fn one_field(error: &Value) -> String {
    let place = error["loc"].as_array().map(Vec::as_slice).unwrap_or_default();
    let part = |part: &Value| part.as_str().map_or_else(|| part.to_string(), ToOwned::to_owned);
    let place = place.iter().map(part).filter(|part| part != "body").collect::<Vec<_>>().join(".");
    let message = error["msg"].as_str().unwrap_or("is wrong");
    if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Any error, with its whole chain of causes.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error: anyhow::Error = error.into();
        let mut message = error.to_string();
        for cause in error.chain().skip(1).map(<dyn Error>::to_string) {
            // Some errors repeat their cause.
            if !message.ends_with(&cause) {
                message = format!("{message}: {cause}");
            }
        }
        Self::new(message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_fields_are_named_with_what_is_wrong() {
        let answer = json!({"detail": [
            {"loc": ["body", "image_size", "width"], "msg": "must be at most 2048", "type": "less_than_equal"},
            {"loc": ["body"], "msg": "expected an object", "type": "model_type"},
        ]});
        let message = Failure::answered(422, answer).message;
        assert_eq!(message, "image_size.width: must be at most 2048\nexpected an object");
        let answer = json!({"detail": [{"loc": ["body", "prompt"], "msg": "Field required"}]});
        let advised = Failure::answered(422, answer).about_input_of("a/b").message;
        assert_eq!(advised, "prompt: Field required\n`tintype models a/b` shows what it takes");
        assert_eq!(Failure::new("gone").about_input_of("a/b").message, "gone");
    }

    #[test]
    fn an_answer_without_words_is_known_by_its_status() {
        assert_eq!(Failure::answered(502, json!("?")).message, "the server answered with status 502");
    }
}
