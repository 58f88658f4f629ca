//! Text frames that the platform itself puts on a realtime socket.

use serde_json::json;

/// Something went wrong; the platform closes the socket after it.
pub fn error_frame(code: &str, reason: &str) -> String {
    json!({"type": "x-fal-error", "error": code, "reason": reason}).to_string()
}

/// The token is no longer good; clients fetch another one and connect anew.
pub fn unauthorized_frame() -> String {
    json!({"status": "error", "error": "Unauthorized"}).to_string()
}

/// `max_buffering`: how many inputs a runner keeps while it works.
pub const BUFFERING: std::ops::RangeInclusive<u32> = 1..=60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_ones_that_clients_know() {
        assert_eq!(
            error_frame("INTERNAL_ERROR", "it \"broke\""),
            r#"{"type":"x-fal-error","error":"INTERNAL_ERROR","reason":"it \"broke\""}"#
        );
        assert_eq!(unauthorized_frame(), r#"{"status":"error","error":"Unauthorized"}"#);
    }
}
