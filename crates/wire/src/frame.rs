//! Frames of a realtime session: one MessagePack map, or one JSON object as text, in and out.

use rmpv::Value;

/// Reads the binary frame of an input.
pub fn decode(bytes: &[u8]) -> Result<Value, String> {
    let mut rest = bytes;
    let value =
        rmpv::decode::read_value(&mut rest).map_err(|error| format!("the frame is not MessagePack: {error}"))?;
    match (&value, rest.len()) {
        (Value::Map(_), 0) => Ok(value),
        (Value::Map(_), extra) => Err(format!("{extra} bytes follow the MessagePack map: send one map per frame")),
        _ => Err("the frame is not a MessagePack map: send one map with the input's fields".into()),
    }
}

/// Reads the text frame of a caller with an encoder of his own.
pub fn decode_text(text: &str) -> Result<Value, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("the text is not JSON: {error}"))?;
    if !value.is_object() {
        return Err("the text is not a JSON object: send one object with the input's fields".into());
    }
    rmpv::ext::to_value(&value).map_err(|error| error.to_string())
}

/// The binary frame of a result.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    let _ = rmpv::encode::write_value(&mut bytes, value);
    bytes
}

/// The text frame of a result; `None` where it holds what JSON cannot.
pub fn encode_text(value: &Value) -> Option<String> {
    serde_json::to_string(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_holds_one_map_and_nothing_else() {
        let map = Value::Map(vec![("a".into(), 1.into())]);
        let bytes = encode(&map);
        assert_eq!(decode(&bytes).unwrap(), map);
        assert!(decode(&[bytes.as_slice(), &[0]].concat()).unwrap_err().starts_with("1 bytes follow"));
        assert!(decode(&bytes[..2]).unwrap_err().starts_with("the frame is not MessagePack"));
        assert!(decode(&[0x93, 1, 2, 3]).unwrap_err().contains("not a MessagePack map"));
    }

    #[test]
    fn frames_made_to_exhaust_memory_or_stack_are_refused() {
        // An array of 2^32 - 1 elements in six bytes, and arrays a hundred thousand deep.
        assert!(decode(&[0xdd, 0xff, 0xff, 0xff, 0xff, 0]).is_err());
        assert!(decode(&vec![0x91; 100_000]).is_err());
    }

    #[test]
    fn text_is_json_for_custom_encoders() {
        let map = Value::Map(vec![("a".into(), 1.into())]);
        assert_eq!(decode_text("{\"a\":1}").unwrap(), map);
        assert_eq!(encode_text(&map).unwrap(), "{\"a\":1}");
        assert!(decode_text("[1]").is_err() && decode_text("{").is_err());
    }
}
