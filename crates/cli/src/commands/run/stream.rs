//! `--stream`: the result as it comes into being.

use std::path::Path;

use futures::{Stream, StreamExt};
use reqwest::Method;
use serde_json::Value;

use super::{files, progress::Progress};
use crate::{api::Api, failure::Failure, print::Output};

/// The last event, which is the whole result. Partial results are saved too where a folder is named.
pub(super) async fn stream(
    api: &Api,
    endpoint: &str,
    body: &Value,
    folder: Option<&Path>,
    output: Output,
) -> Result<Value, Failure> {
    let path = if endpoint.ends_with("/stream") { format!("/{endpoint}") } else { format!("/{endpoint}/stream") };
    let progress = Progress::start(output, endpoint);
    let response = api.send(api.request(Method::POST, &path).json(body)).await?;
    let mut events = Events::new(response.bytes_stream());
    let mut last = Value::Null;
    while let Some(event) = events.next().await? {
        if let (Some(done), Some(total)) = (event["step"].as_u64(), event["total_steps"].as_u64()) {
            progress.step(done, total);
        }
        if event["partial"] == true
            && let Some(folder) = folder
        {
            let files::Saved { paths, failures } = files::save(api, &event, folder).await;
            for told in paths.iter().map(|path| format!("preview {}", path.display())).chain(failures) {
                progress.keep(&told);
            }
        }
        last = event;
    }
    progress.end();
    match &last {
        Value::Null => Err(Failure::new("the stream ended without an event")),
        event if event.get("error").is_some() && event.get("images").is_none() => {
            Err(Failure::answered(500, event["error"].clone()))
        }
        _ => Ok(last),
    }
}

/// Server-sent events, of which the data alone matters here.
struct Events<S> {
    bytes: S,
    buffer: Vec<u8>,
}

impl<S, B, E> Events<S>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
    E: Into<anyhow::Error>,
{
    fn new(bytes: S) -> Self {
        Self { bytes, buffer: Vec::new() }
    }

    async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            while let Some(block) = self.take_block() {
                if let Some(event) = data(&block) {
                    return Ok(Some(event));
                }
            }
            match self.bytes.next().await {
                Some(piece) => self.buffer.extend_from_slice(piece.map_err(Into::into)?.as_ref()),
                None => return Ok(None),
            }
        }
    }

    /// The bytes up to an empty line.
    fn take_block(&mut self) -> Option<String> {
        let text = &self.buffer;
        let ends = |mark: &[u8]| text.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len());
        let end = [ends(b"\n\n"), ends(b"\r\n\r\n")].into_iter().flatten().min()?;
        let block: Vec<u8> = self.buffer.drain(..end).collect();
        Some(String::from_utf8_lossy(&block).into_owned())
    }
}

fn data(block: &str) -> Option<Value> {
    let lines = block.lines().filter_map(|line| line.strip_prefix("data:"));
    let text = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn events_are_found_however_their_bytes_are_cut() {
        let pieces = [": hello\n\ndata: {\"a\"", ":1}\n", "\ndata: {\"a\":2}\r\n\r\nignored"];
        let stream = futures::stream::iter(pieces.map(Ok::<_, std::io::Error>));
        let mut events = Events::new(stream);
        assert_eq!(events.next().await.unwrap(), Some(json!({"a": 1})));
        assert_eq!(events.next().await.unwrap(), Some(json!({"a": 2})));
        assert_eq!(events.next().await.unwrap(), None);
    }
}
