//! What a runner writes to its standard streams, line by line.
//!
//! A line that is a JSON object with `message` belongs to the log of the request that it names; any other line is
//! the runner's own. A carriage return ends a line too, so that progress bars read as lines.

use serde::Deserialize;
use tintype_domain::{LogLevel, RequestId};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
};

use crate::Occurrence;

/// A longer line is cut into pieces of this size.
const LONGEST_LINE: usize = 16 * 1024;

/// A line that is a JSON object of one of these kinds says more than its text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Structured {
    /// Of a native runner.
    Native {
        #[serde(default)]
        level: Option<String>,
        message: String,
        #[serde(default)]
        request_id: Option<String>,
    },
    /// A line of an app, and what its harness knows of it.
    App {
        line: String,
        #[serde(default)]
        stream: Option<String>,
        #[serde(default)]
        fal_request_id: Option<String>,
        #[serde(default)]
        fal_endpoint: Option<String>,
    },
    /// How far a start is.
    Stage {
        stage: String,
        #[serde(default)]
        detail: Option<String>,
    },
}

/// Stages that a harness may tell; other words are lines like any.
const STAGES: [&str; 2] = ["import", "setup"];

/// Reads until the stream ends or nobody listens.
pub(super) async fn pump(mut stream: impl AsyncRead + Unpin, plain: LogLevel, sink: mpsc::Sender<Occurrence>) {
    let mut buffer = Vec::with_capacity(4096);
    while matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
        for line in take_lines(&mut buffer) {
            if sink.send(parse(&line, plain)).await.is_err() {
                return;
            }
        }
    }
    if !buffer.is_empty() {
        let _ = sink.send(parse(&buffer, plain)).await;
    }
}

/// Removes the whole lines from `buffer`, empty ones dropped.
fn take_lines(buffer: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut begin = 0;
    for end in 0..buffer.len() {
        let ends = matches!(buffer[end], b'\n' | b'\r');
        if ends || end - begin == LONGEST_LINE {
            if end > begin {
                lines.push(buffer[begin..end].to_vec());
            }
            begin = if ends { end + 1 } else { end };
        }
    }
    buffer.drain(..begin);
    lines
}

fn parse(line: &[u8], plain: LogLevel) -> Occurrence {
    let structured = line.starts_with(b"{").then(|| serde_json::from_slice::<Structured>(line).ok()).flatten();
    match structured {
        Some(Structured::Native { level, message, request_id }) => {
            let request = request_id.and_then(|id| id.parse::<RequestId>().ok());
            let level = level.map_or(plain, |level| parse_level(&level, plain));
            Occurrence::Log { level, message, request, endpoint: None }
        }
        Some(Structured::App { line, stream, fal_request_id, fal_endpoint }) => {
            let plain = stream.map_or(plain, |stream| parse_level(&stream, plain));
            let request = fal_request_id.and_then(|id| id.parse::<RequestId>().ok());
            Occurrence::Log { level: guess(&line, plain), message: line, request, endpoint: fal_endpoint }
        }
        Some(Structured::Stage { stage, detail }) if known(&stage).is_some() => {
            Occurrence::Stage { name: known(&stage).unwrap_or_default(), detail }
        }
        _ => {
            let message = String::from_utf8_lossy(line).trim_end().to_owned();
            Occurrence::Log { level: plain, message, request: None, endpoint: None }
        }
    }
}

fn known(stage: &str) -> Option<&'static str> {
    STAGES.into_iter().find(|known| *known == stage)
}

/// The level that an app's line states: in a JSON object, as a word before a colon, or by being a traceback.
fn guess(line: &str, plain: LogLevel) -> LogLevel {
    #[derive(Deserialize)]
    struct Stated {
        level: Option<String>,
        traceback: Option<String>,
    }
    if line.starts_with('{') {
        return match serde_json::from_str::<Stated>(line) {
            Ok(Stated { level: Some(level), .. }) => parse_level(&level, plain),
            Ok(Stated { traceback: Some(_), .. }) => LogLevel::Error,
            _ => plain,
        };
    }
    line.split_once(':').map_or(plain, |(word, _)| match word {
        "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL" => parse_level(word, plain),
        _ => plain,
    })
}

fn parse_level(text: &str, plain: LogLevel) -> LogLevel {
    match text.to_ascii_uppercase().as_str() {
        "DEBUG" | "TRACE" => LogLevel::Debug,
        "INFO" => LogLevel::Info,
        "WARN" | "WARNING" => LogLevel::Warn,
        "ERROR" | "CRITICAL" | "FATAL" => LogLevel::Error,
        "STDOUT" => LogLevel::Stdout,
        "STDERR" => LogLevel::Stderr,
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8]) -> Vec<Occurrence> {
        let (sink, mut lines) = mpsc::channel(64);
        pump(text, LogLevel::Stdout, sink).await;
        let mut all = Vec::new();
        while let Some(line) = lines.recv().await {
            all.push(line);
        }
        all
    }

    fn plain(message: &str) -> Occurrence {
        Occurrence::Log { level: LogLevel::Stdout, message: message.into(), request: None, endpoint: None }
    }

    #[tokio::test]
    async fn a_json_line_belongs_to_its_request() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let line = format!(r#"{{"level":"warning","message":"hot","request_id":"{id}"}}"#);
        let expected = Occurrence::Log {
            level: LogLevel::Warn,
            message: "hot".into(),
            request: Some(id.parse().unwrap()),
            endpoint: None,
        };
        assert_eq!(read(line.as_bytes()).await, [expected]);
    }

    #[tokio::test]
    async fn a_line_of_an_app_keeps_its_stream_request_and_endpoint() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let line =
            format!(r#"{{"line":"step 1","stream":"stderr","fal_request_id":"{id}","fal_endpoint":"/upscale"}}"#);
        let expected = Occurrence::Log {
            level: LogLevel::Stderr,
            message: "step 1".into(),
            request: Some(id.parse().unwrap()),
            endpoint: Some("/upscale".into()),
        };
        assert_eq!(read(line.as_bytes()).await, [expected]);
    }

    #[tokio::test]
    async fn a_level_that_an_app_states_holds_and_a_traceback_is_an_error() {
        let lines = [
            r#"{"line":"WARNING:  low disk","stream":"stderr"}"#,
            r#"{"line":"{\"traceback\": \"Boom\"}","stream":"stdout"}"#,
            r#"{"line":"note: nothing","stream":"stdout"}"#,
        ];
        let levels = read(lines.join("\n").as_bytes()).await.into_iter().map(|line| match line {
            Occurrence::Log { level, .. } => level,
            other => panic!("{other:?}"),
        });
        assert_eq!(levels.collect::<Vec<_>>(), [LogLevel::Warn, LogLevel::Error, LogLevel::Stdout]);
    }

    #[tokio::test]
    async fn a_stage_of_a_start_is_told_and_an_unknown_one_is_a_line() {
        let lines = read(b"{\"stage\":\"setup\"}\n{\"stage\":\"x\"}").await;
        assert_eq!(lines[0], Occurrence::Stage { name: "setup", detail: None });
        assert_eq!(lines[1], plain("{\"stage\":\"x\"}"));
    }

    #[tokio::test]
    async fn other_lines_are_plain_and_a_carriage_return_ends_a_line() {
        let lines = read(b"step 1/3\rstep 2/3\r\n\n{not json\n{\"level\":\"INFO\"}\nlast \xff").await;
        let expected = ["step 1/3", "step 2/3", "{not json", "{\"level\":\"INFO\"}", "last \u{fffd}"];
        assert_eq!(lines, expected.map(plain));
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_not_collected() {
        let lines = read(&vec![b'x'; LONGEST_LINE * 2 + 5]).await;
        let lengths = lines.iter().map(|line| match line {
            Occurrence::Log { message, .. } => message.len(),
            _ => 0,
        });
        assert_eq!(lengths.collect::<Vec<_>>(), [LONGEST_LINE, LONGEST_LINE, 5]);
    }
}
