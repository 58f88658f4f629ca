//! Hosts, paths, queries and the headers that callers send.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tintype_gateway::fuzzing;
use tintype_wire::request;

const NAMES: [&str; 12] = [
    "authorization",
    "x-fal-request-timeout",
    "x-fal-request-start-timeout",
    "x-fal-queue-priority",
    "x-fal-runner-hint",
    "x-fal-retry-config",
    "x-fal-no-retry",
    "x-fal-object-lifecycle-preference",
    "range",
    "if-none-match",
    "if-modified-since",
    "if-range",
];

fuzz_target!(|lines: Vec<(u8, Vec<u8>)>| {
    let mut headers = HeaderMap::new();
    for (which, value) in &lines {
        let name = HeaderName::from_static(NAMES[usize::from(*which) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    fuzzing::headers(&headers);
    for (_, value) in &lines {
        let Ok(text) = std::str::from_utf8(value) else { continue };
        let (host, path) = text.split_once(' ').unwrap_or((text, "/"));
        fuzzing::place(host, path);
        fuzzing::lifecycle(text);
        if let Ok(timeout) = request::start_timeout("x-fal-request-timeout", text) {
            assert!(timeout.as_secs_f64() > 0.0);
        }
        let _ = request::priority(text);
        let _ = request::retry(Some(text), Some(text));
        if let Ok(key) = request::idempotency_key(text) {
            assert!(!key.is_empty() && key.len() <= 255);
        }
    }
});
