//! JSON that callers send: inputs, token requests, the lists that complete a multipart upload.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_gateway::fuzzing;
use tintype_wire::{json, token::TokenRequest};

const DEEPEST: u32 = 100;

fuzz_target!(|body: &[u8]| {
    if json::check(body, DEEPEST).is_ok() {
        // What has passed is safe to parse as a tree.
        match serde_json::from_slice(body) {
            Ok(value) => assert!(depth(&value) <= DEEPEST),
            // `1e999` is JSON, and what it means is for the app to say.
            Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}"),
        }
    }
    if let Ok(request) = TokenRequest::parse(body) {
        assert!(!request.apps.is_empty() && request.lifetime_secs > 0);
    }
    fuzzing::parts(body);
});

fn depth(value: &serde_json::Value) -> u32 {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
