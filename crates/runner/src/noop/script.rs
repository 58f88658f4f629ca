//! What a call may ask of the diagnostic model, by fields of its input. All other fields are echoed.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tintype_domain::{Clock, SystemClock};
use tintype_engine::{Detail, Invalid};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Script {
    /// Wait before the answer. A cancellation ends the wait.
    pub sleep_ms: u64,
    /// Sleep on through cancellations.
    pub stubborn: bool,
    /// Log lines: texts, or objects with `level` and `message`.
    pub logs: Vec<Line>,
    /// Lines written to standard output as they are.
    pub stdout: Vec<String>,
    /// Answer with this HTTP status, and `body` or else an explanation.
    pub status: Option<u16>,
    pub body: Option<Value>,
    /// Answer with this text as it is, which need not be JSON.
    pub text: Option<String>,
    /// Further headers of the answer.
    pub headers: Map<String, Value>,
    /// Come to a bad end after the wait.
    pub crash: Option<Crash>,
    /// `status` and `crash` hold only before this moment (milliseconds since 1970), so that a later
    /// attempt at the same request succeeds.
    pub until_ms: Option<u64>,
    /// Add a field `padding` of so many bytes to the answer.
    pub padding: usize,
    /// Answer with what arrived: path, headers, process id and the input.
    pub describe: bool,
    /// Fetch this URL through the platform, and say what came.
    pub fetch: Option<String>,
    /// Store this text through the platform, and answer with its URL.
    pub upload: Option<Upload>,
    /// `/stream`: the events, before a last one with the plain answer.
    pub events: Option<Vec<Value>>,
    /// `/stream`: wait before each event.
    pub interval_ms: u64,
    /// `/stream`: break the connection after so many events.
    pub break_after: Option<usize>,
    /// `/realtime`: answer with this error code.
    pub error: Option<String>,
    /// `/realtime`: close with this code.
    pub close: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Text(String),
    Full { level: String, message: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Crash {
    /// Leave with status 1.
    Exit,
    /// Die by SIGABRT.
    Abort,
    /// Take memory until none is left.
    Memory,
    /// Answer neither this call nor the health check any more.
    Hang,
    /// Break the connection in the middle of the answer, and live on.
    Disconnect,
}

#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    pub text: String,
    #[serde(default = "Upload::text_file")]
    pub file_name: String,
    #[serde(default = "Upload::plain")]
    pub content_type: String,
}

impl Upload {
    fn text_file() -> String {
        "noop.txt".into()
    }

    fn plain() -> String {
        "text/plain".into()
    }
}

impl Script {
    /// An input that is no object asks for nothing.
    pub fn read(input: &Value) -> Result<Self, Invalid> {
        let Value::Object(fields) = input else { return Ok(Self::default()) };
        if fields.is_empty() {
            return Ok(Self::default());
        }
        Self::deserialize(input).map_err(|error| Detail::new("", "value_error", error.to_string()).into())
    }

    pub fn sleep(&self) -> Duration {
        Duration::from_millis(self.sleep_ms)
    }

    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// Whether `status` and `crash` still hold.
    pub fn is_bad(&self) -> bool {
        let now = SystemClock.now().as_micros() / 1000;
        self.until_ms.is_none_or(|until| now < i64::try_from(until).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_that_mean_nothing_here_are_left_alone() {
        let script = Script::read(&json!({ "prompt": "x", "sleep_ms": 5, "crash": "abort" })).unwrap();
        assert_eq!((script.sleep(), script.crash), (Duration::from_millis(5), Some(Crash::Abort)));
        assert!(Script::read(&json!([1, 2])).is_ok());
    }

    #[test]
    fn an_option_of_the_wrong_type_is_an_error() {
        assert!(Script::read(&json!({ "sleep_ms": "soon" })).is_err());
        assert!(Script::read(&json!({ "crash": "gently" })).is_err());
    }

    #[test]
    fn bad_behaviour_ends_at_the_time_that_was_asked_for() {
        assert!(Script::read(&json!({ "status": 503 })).unwrap().is_bad());
        assert!(!Script::read(&json!({ "status": 503, "until_ms": 1000 })).unwrap().is_bad());
    }
}
