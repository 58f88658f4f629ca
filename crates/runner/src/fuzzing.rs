//! Doors to the private parsers, for the fuzz targets alone.

use axum::extract::ws::Message;
use rmpv::Value;

use crate::realtime;

pub fn decode(frame: &[u8]) -> Result<Value, String> {
    realtime::decode(frame)
}

/// The binary frame of a result.
pub fn encode(value: &Value) -> Vec<u8> {
    match realtime::encode(value, false) {
        Message::Binary(bytes) => bytes.to_vec(),
        other => panic!("a result is binary, and not {other:?}"),
    }
}

pub fn text(frame: &str) {
    let _ = realtime::decode_text(frame);
}
