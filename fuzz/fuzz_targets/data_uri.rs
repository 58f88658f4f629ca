//! Data URIs stay within their limit, and what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_media::{DataUri, data_uri};

const LIMIT: usize = 1000;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = DataUri::parse(text, LIMIT) {
        assert!(parsed.bytes.len() <= LIMIT);
        let again = DataUri::parse(&data_uri("image/png", &parsed.bytes), LIMIT).expect("our own URIs can be read");
        assert_eq!(again.bytes, parsed.bytes);
    }
});
