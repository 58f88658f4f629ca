//! Frames of a realtime session: what is decoded encodes to a frame that decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_wire::frame::{decode, decode_text, encode};

fuzz_target!(|frame: &[u8]| {
    if let Ok(value) = decode(frame) {
        let again = decode(&encode(&value)).expect("our own frames can be read");
        // Not-a-number differs from itself; the bytes tell.
        assert_eq!(encode(&again), encode(&value));
    }
    if let Ok(json) = std::str::from_utf8(frame) {
        let _ = decode_text(json);
    }
});
