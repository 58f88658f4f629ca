//! What a caller says about a request in its headers.

use std::time::Duration;

use serde::Deserialize;
use tintype_domain::{Priority, RetryBudget};

use crate::header;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header `{name}` is `{found}`: {expected}")]
pub struct HeaderError {
    pub name: &'static str,
    pub found: String,
    pub expected: &'static str,
}

impl HeaderError {
    pub fn new(name: &'static str, found: &str, expected: &'static str) -> Self {
        Self { name, found: found.chars().take(80).collect(), expected }
    }
}

/// The shortest start timeout that is accepted.
const LEAST_TIMEOUT: f64 = 0.1;
/// A year: enough for anyone, and far from overflowing a date.
const MOST_TIMEOUT: f64 = 31_536_000.0;

/// `x-fal-request-timeout`: seconds to the start of processing, as decimal text.
pub fn start_timeout(name: &'static str, text: &str) -> Result<Duration, HeaderError> {
    let expected = "expected seconds as a decimal number above 0.1, such as 30 or 2.5";
    let seconds: f64 = text.trim().parse().map_err(|_| HeaderError::new(name, text, expected))?;
    if !seconds.is_finite() || seconds <= LEAST_TIMEOUT {
        return Err(HeaderError::new(name, text, expected));
    }
    Ok(Duration::from_secs_f64(seconds.min(MOST_TIMEOUT)))
}

/// `x-fal-queue-priority`.
pub fn priority(text: &str) -> Result<Priority, HeaderError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "high" => Ok(Priority::High),
        "normal" | "" => Ok(Priority::Normal),
        "low" => Ok(Priority::Low),
        _ => Err(HeaderError::new(header::PRIORITY, text, "expected `normal`, `low` or `high`")),
    }
}

/// `x-fal-store-io`: whether payloads are kept.
pub fn keeps_payloads(text: &str) -> bool {
    !matches!(text.trim().to_ascii_lowercase().as_str(), "0" | "false" | "no")
}

/// A switch that is on for `1`, `true` and `yes`.
pub fn is_on(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RetryConfig {
    server_error: Option<Condition>,
    timeout: Option<Condition>,
    connection_error: Option<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    retries: u32,
}

/// `x-fal-no-retry` and `x-fal-retry-config`. What cannot be read is ignored, as the API promises.
pub fn retry(no_retry: Option<&str>, config: Option<&str>) -> RetryBudget {
    let config: RetryConfig = config.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let retries = |condition: Option<Condition>| condition.map(|condition| condition.retries);
    RetryBudget {
        never: no_retry.is_some_and(is_on),
        server_error: retries(config.server_error),
        timeout: retries(config.timeout),
        connection_error: retries(config.connection_error),
    }
}

/// `idempotency-key`: 1 to 255 printable ASCII characters.
pub fn idempotency_key(text: &str) -> Result<String, HeaderError> {
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !printable || !(1..=255).contains(&text.trim().len()) {
        let expected = "expected 1 to 255 printable ASCII characters";
        return Err(HeaderError::new(header::IDEMPOTENCY_KEY, text, expected));
    }
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_timeout_is_decimal_seconds_above_a_tenth() {
        assert_eq!(start_timeout(header::TIMEOUT, "30.0"), Ok(Duration::from_secs(30)));
        assert_eq!(start_timeout(header::TIMEOUT, " 2.5 "), Ok(Duration::from_millis(2500)));
        for text in ["", "soon", "0.1", "-3", "NaN", "inf", "1e999"] {
            assert!(start_timeout(header::TIMEOUT, text).is_err(), "{text}");
        }
        assert!(start_timeout(header::TIMEOUT, "1e300").unwrap() < Duration::from_secs(40_000_000));
    }

    #[test]
    fn an_unknown_priority_is_named_with_the_ones_that_exist() {
        assert_eq!(priority("Low"), Ok(Priority::Low));
        assert_eq!(
            priority("urgent").unwrap_err().to_string(),
            "header `x-fal-queue-priority` is `urgent`: expected `normal`, `low` or `high`"
        );
    }

    #[test]
    fn a_retry_config_is_read_by_condition_and_ignored_when_malformed() {
        let budget = retry(None, Some(r#"{"timeout":{"retries":0},"server_error":{"retries":3}}"#));
        assert_eq!((budget.timeout, budget.server_error, budget.connection_error), (Some(0), Some(3), None));
        assert_eq!(retry(None, Some("{nonsense")), RetryBudget::default());
        assert!(retry(Some("YES"), None).never);
    }

    #[test]
    fn an_idempotency_key_is_short_printable_text() {
        assert_eq!(idempotency_key("order-17"), Ok("order-17".into()));
        assert!(idempotency_key("").is_err() && idempotency_key(&"x".repeat(256)).is_err());
        assert!(idempotency_key("caf\u{e9}").is_err());
    }
}
