//! Which headers cross between caller and runner.
//!
//! The rules stand in [`tintype_wire::header`]; the gateway keeps to them, and this is the second lock on the same
//! door: what a caller sends under the platform's prefix is dropped, except what the contract lets through; what a
//! runner sends to the platform stays here. Credentials of the caller never reach a runner.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use tintype_wire::header as rules;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static(rules::REQUEST_ID);
pub(crate) const ENDPOINT: HeaderName = HeaderName::from_static(rules::ENDPOINT);
pub(crate) const CDN_TOKEN: HeaderName = HeaderName::from_static(rules::CDN_TOKEN);
pub(crate) const RUNNING: HeaderName = HeaderName::from_static(rules::RUNNING);
pub(crate) const LIFECYCLE: &str = rules::LIFECYCLE;

/// What a runner told the platform beside its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    pub needs_retry: Option<bool>,
    pub stop_runner: bool,
    pub health_check: bool,
    /// `None`: the app does not use hints.
    pub hints: Option<Vec<String>>,
}

/// Leaves what a caller may say to a runner.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    let upgrade = headers.get(header::UPGRADE).cloned();
    remove_named_by_connection(headers);
    remove(headers, |name| !rules::is_for_runner(name));
    if let Some(upgrade) = upgrade {
        headers.insert(header::UPGRADE, upgrade);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Takes the runner's words to the platform out of its answer.
pub(crate) fn clean_answer(status: u16, headers: &mut HeaderMap) -> Word {
    let on = |value: &HeaderValue| matches!(value.as_bytes(), b"1" | b"true" | b"yes" | b"True");
    let word = Word {
        needs_retry: headers.get(rules::NEEDS_RETRY).map(on),
        stop_runner: headers.get(rules::STOP_RUNNER).is_some_and(on),
        health_check: headers.get(rules::HEALTH_CHECK).is_some_and(on),
        hints: headers.get(rules::RUNNER_HINTS).map(hints),
    };
    remove(headers, |name| rules::CONTROL.contains(&name));
    // Callers may act on it where it means something.
    if status != 429 && status < 500 {
        headers.remove(rules::NEEDS_RETRY);
    }
    if status != 101 {
        remove_named_by_connection(headers);
        remove(headers, |name| rules::HOP_BY_HOP.contains(&name));
    }
    word
}

fn hints(value: &HeaderValue) -> Vec<String> {
    let text = value.to_str().unwrap_or_default();
    text.split(',').map(str::trim).filter(|hint| !hint.is_empty()).map(str::to_owned).collect()
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<_> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// The headers of an answer as they are stored for replay.
pub(crate) fn to_store(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs = headers.iter().filter(|(name, _)| rules::is_for_caller(name.as_str()));
    pairs.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_caller_cannot_speak_for_the_platform_nor_leak_its_key() {
        let mut headers = map(&[
            ("authorization", "Key id:secret"),
            ("x-fal-cdn-token", "forged"),
            ("x-fal-request-id", "forged"),
            ("x-fal-runner-hint", "session"),
            ("x-custom", "kept"),
            ("connection", "close, x-hop"),
            ("x-hop", "gone"),
        ]);
        clean_request(&mut headers);
        assert_eq!(headers, map(&[("x-fal-runner-hint", "session"), ("x-custom", "kept")]));
    }

    #[test]
    fn an_upgrade_passes() {
        let mut headers = map(&[("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "k")]);
        clean_request(&mut headers);
        assert_eq!(headers["upgrade"], "websocket");
        assert_eq!(headers["connection"], "upgrade");
    }

    #[test]
    fn what_a_runner_tells_the_platform_stays_here() {
        let mut headers = map(&[
            ("x-fal-stop-runner", "true"),
            ("x-fal-runner-health-check", "true"),
            ("x-fal-needs-retry", "0"),
            ("x-fal-runner-hints", "a, b"),
            ("x-fal-billable-units", "2"),
        ]);
        let word = clean_answer(200, &mut headers);
        let hints = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(word, Word { needs_retry: Some(false), stop_runner: true, health_check: true, hints });
        assert_eq!(headers, map(&[("x-fal-runner-hints", "a, b"), ("x-fal-billable-units", "2")]));
        let mut headers = map(&[("x-fal-needs-retry", "1")]);
        clean_answer(503, &mut headers);
        assert!(headers.contains_key("x-fal-needs-retry"));
    }
}
