//! Log lines on standard output: one JSON object each, which the platform files under its request.

use std::io::Write;

use serde_json::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Warn,
    Error,
    Debug,
}

impl Level {
    /// What is not a level is information.
    pub fn named(text: &str) -> Self {
        match text.to_ascii_uppercase().as_str() {
            "WARN" | "WARNING" => Self::Warn,
            "ERROR" => Self::Error,
            "DEBUG" => Self::Debug,
            _ => Self::Info,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Debug => "DEBUG",
        }
    }
}

/// Writes one line about a call, or about the runner itself.
pub(crate) fn line(level: Level, request: Option<&str>, message: &str) {
    raw(&encode(level, request, message));
}

/// Writes text as it is.
pub(crate) fn raw(text: &str) {
    // Whoever reads the lines may be gone; the work goes on without them.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn encode(level: Level, request: Option<&str>, message: &str) -> String {
    let mut line = json!({ "level": level.as_str(), "message": message });
    if let Some(request) = request {
        line["request_id"] = request.into();
    }
    line.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_even_when_the_message_has_line_breaks() {
        assert_eq!(
            encode(Level::Info, Some("r1"), "a\n\"b\""),
            r#"{"level":"INFO","message":"a\n\"b\"","request_id":"r1"}"#
        );
        assert_eq!(encode(Level::named("warning"), None, "x"), r#"{"level":"WARN","message":"x"}"#);
    }
}
