//! A request in the queue, until its result.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{
    interrupts::Interrupts,
    progress::{Progress, steps},
};
use crate::{api::Api, failure::Failure, print::text};

/// Between two looks; the first come sooner, because small models are quick.
const PERIOD: Duration = Duration::from_millis(250);
const FIRST: Duration = Duration::from_millis(20);
/// Where requests have their addresses.
const QUEUE: &str = "/queue/";

/// What the server says of a new request, and the exit status of a signal that came meanwhile: it cannot be cancelled
/// before its id is known.
pub(super) async fn submit(
    api: &Api,
    request: RequestBuilder,
    interrupts: &mut Interrupts,
) -> Result<(Value, Option<u8>), Failure> {
    let mut submitting = std::pin::pin!(api.json(request));
    let code = tokio::select! {
        submitted = &mut submitting => return Ok((submitted?, None)),
        code = interrupts.next() => code,
    };
    let left = "ended while the request was being sent: `tintype requests list` shows whether it arrived";
    Ok((interrupts.or(submitting, left).await?, Some(code)))
}

/// Waits; a signal cancels the request.
pub(super) async fn wait_or_cancel(
    api: &Api,
    submitted: &Value,
    progress: &Progress,
    logs: bool,
    interrupts: &mut Interrupts,
) -> Result<Value, Failure> {
    let code = tokio::select! {
        result = wait(api, submitted, progress, logs) => return result,
        code = interrupts.next() => code,
    };
    cancel(api, submitted, progress, code, interrupts).await
}

/// Cancels the request after a signal; another ends this program while the server is asked. `code` is the exit status.
pub(super) async fn cancel(
    api: &Api,
    submitted: &Value,
    progress: &Progress,
    code: u8,
    interrupts: &mut Interrupts,
) -> Result<Value, Failure> {
    let id = text(submitted, "request_id");
    progress.keep(&format!("cancelling request {id}; Ctrl-C again ends this program at once"));
    let asked = api.send(api.to(Method::PUT, &api.local(&text(submitted, "cancel_url"), QUEUE)));
    let left =
        format!("ended while request {id} was being cancelled: `tintype requests show {id}` says where it stands");
    let message = match interrupts.or(async { Ok(asked.await) }, &left).await? {
        Ok(_) => format!("cancelled request {id}"),
        Err(Failure { answer: Some(answer), .. }) if answer["status"] == "ALREADY_COMPLETED" => {
            format!("request {id} had ended already")
        }
        Err(failure) => format!("could not cancel request {id}: {failure}"),
    };
    Err(Failure::new(message).with_code(code))
}

/// The result of the request, or why there is none.
pub(crate) async fn wait(api: &Api, submitted: &Value, progress: &Progress, logs: bool) -> Result<Value, Failure> {
    let status_url = format!("{}?logs=1", api.local(&text(submitted, "status_url"), QUEUE));
    let (mut seen, mut pause) = (0, FIRST);
    loop {
        let status = api.json(api.to(Method::GET, &status_url)).await?;
        seen = show_logs(&status, seen, progress, logs);
        if status["status"] == "COMPLETED" {
            break;
        }
        progress.say(state(&status));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PERIOD);
    }
    api.answer(api.to(Method::GET, &api.local(&text(submitted, "response_url"), QUEUE))).await
}

fn show_logs(status: &Value, seen: usize, progress: &Progress, logs: bool) -> usize {
    let lines = status["logs"].as_array().map(Vec::as_slice).unwrap_or_default();
    for message in lines.iter().skip(seen).map(|line| text(line, "message")) {
        if let Some((done, total)) = steps(&message) {
            progress.step(done, total);
        }
        if logs {
            progress.keep(&message);
        }
    }
    lines.len().max(seen)
}

/// Why it waits, in the server's words.
fn state(status: &Value) -> String {
    let waiting = &status["waiting"];
    match (status["status"].as_str(), waiting["detail"].as_str()) {
        (_, Some(detail)) => detail.to_owned(),
        (Some("IN_QUEUE"), None) => format!("waiting, {} ahead", status["queue_position"]),
        _ => "running".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waiting_request_says_why_in_the_servers_words() {
        let why = json!({"status": "IN_QUEUE", "queue_position": 2, "waiting": {"detail": "a runner is starting"}});
        assert_eq!(state(&why), "a runner is starting");
        assert_eq!(state(&json!({"status": "IN_QUEUE", "queue_position": 2})), "waiting, 2 ahead");
        assert_eq!(state(&json!({"status": "IN_PROGRESS"})), "running");
    }
}
