//! The status of a queued request: three states, and nothing else, ever.

use serde::Serialize;
use serde_json::Value;
use tintype_domain::{LogEntry, LogLevel};

use crate::submit::Addresses;

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "status")]
pub enum Status {
    #[serde(rename = "IN_QUEUE")]
    InQueue {
        queue_position: u32,
        /// Why it waits, and what comes next.
        #[serde(skip_serializing_if = "Option::is_none")]
        waiting: Option<Value>,
        #[serde(flatten)]
        common: Common,
    },
    #[serde(rename = "IN_PROGRESS")]
    InProgress {
        #[serde(flatten)]
        common: Common,
    },
    #[serde(rename = "COMPLETED")]
    Completed {
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_type: Option<String>,
        #[serde(flatten)]
        common: Common,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Common {
    pub request_id: String,
    /// Id of the last attempt.
    pub gateway_request_id: String,
    #[serde(flatten)]
    pub addresses: Addresses,
    /// `null` unless logs were asked for. The key is always there: clients fail without it.
    pub logs: Option<Vec<Log>>,
    pub metrics: Metrics,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Seconds from the start of the last attempt to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_time: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    pub message: String,
    pub timestamp: String,
    pub level: LogLevel,
    pub source: &'static str,
}

impl From<LogEntry> for Log {
    fn from(entry: LogEntry) -> Self {
        Self { message: entry.message, timestamp: entry.timestamp.to_string(), level: entry.level, source: "USER" }
    }
}

impl Status {
    /// 202 while it is under way, 200 once complete: old clients tell by this alone.
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::InQueue { .. } | Self::InProgress { .. } => 202,
            Self::Completed { .. } => 200,
        }
    }

    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Completed { .. })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tintype_domain::Timestamp;

    use super::*;

    fn common(logs: Option<Vec<Log>>, inference_time: Option<f64>) -> Common {
        Common {
            request_id: "7".into(),
            gateway_request_id: "8".into(),
            addresses: Addresses::new("https://queue.fal.run", "acme/app", "7"),
            logs,
            metrics: Metrics { inference_time },
        }
    }

    #[test]
    fn a_waiting_status_has_a_position_and_null_logs() {
        let status = Status::InQueue { queue_position: 3, waiting: None, common: common(None, None) };
        assert_eq!(status.http_status(), 202);
        assert_eq!(
            json!(status),
            json!({
                "status": "IN_QUEUE",
                "queue_position": 3,
                "request_id": "7",
                "gateway_request_id": "8",
                "response_url": "https://queue.fal.run/acme/app/requests/7",
                "status_url": "https://queue.fal.run/acme/app/requests/7/status",
                "cancel_url": "https://queue.fal.run/acme/app/requests/7/cancel",
                "logs": null,
                "metrics": {},
            })
        );
    }

    #[test]
    fn a_failed_status_is_completed_with_error_and_outcome() {
        let entry = LogEntry { timestamp: Timestamp::from_micros(1), level: LogLevel::Stderr, message: "hm".into() };
        let status = Status::Completed {
            outcome: "failed",
            error: Some("it broke".into()),
            error_type: Some("internal_error".into()),
            common: common(Some(vec![entry.into()]), Some(0.5)),
        };
        let value = json!(status);
        assert_eq!(value["status"], "COMPLETED");
        assert_eq!((&value["error"], &value["error_type"]), (&json!("it broke"), &json!("internal_error")));
        assert_eq!(value["metrics"], json!({"inference_time": 0.5}));
        assert_eq!(
            value["logs"],
            json!([{"message": "hm", "timestamp": "1970-01-01T00:00:00.000001Z", "level": "STDERR", "source": "USER"}])
        );
    }
}
