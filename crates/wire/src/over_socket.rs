//! Control frames of HTTP over a WebSocket: one `start` and one `end` around each answer.

use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Control {
    Start { request_id: String, status: u16, headers: Map<String, Value> },
    End { request_id: String, status: u16, time_to_first_byte_seconds: f64 },
}

impl Control {
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_frame_repeats_the_id_and_the_status() {
        let end = Control::End { request_id: "7".into(), status: 200, time_to_first_byte_seconds: 0.5 };
        assert_eq!(end.to_text(), r#"{"type":"end","request_id":"7","status":200,"time_to_first_byte_seconds":0.5}"#);
    }
}
