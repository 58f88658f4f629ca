//! `/stream`: a few events, then the echo.

use std::{io, time::Duration};

use axum::{extract::State, response::Response};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    call::{FLUSHED, misbehave, wait},
    script::Script,
};
use crate::{caller::Caller, events, input::Input, problem::Problem, serve::Shared};

pub(super) async fn stream(
    State(shared): State<Shared>,
    caller: Caller,
    Input(input): Input,
) -> Result<Response, Problem> {
    let mut script = Script::read(&input)?;
    let running = shared.calls.begin(caller.request.as_deref());
    wait(&script, &caller, &running.token).await?;
    if script.is_bad()
        && let Some(response) = misbehave(&script).await
    {
        return Ok(response);
    }
    let interval = script.interval();
    let planned = plan(script.events.take(), input, script.break_after);
    let events = stream::iter(planned).then(move |event| {
        // Held by the stream: when the caller leaves, the call ends.
        let token = running.token.clone();
        let interval = if event.is_err() { interval.max(FLUSHED) } else { interval };
        async move {
            tokio::select! {
                () = token.cancelled() => Err(io::Error::other("cancelled")),
                () = pause(interval) => event,
            }
        }
    });
    Ok(events::answer(events))
}

/// Does not touch the timer when there is nothing to wait for.
async fn pause(interval: Duration) {
    if !interval.is_zero() {
        tokio::time::sleep(interval).await;
    }
}

fn plan(events: Option<Vec<Value>>, last: Value, break_after: Option<usize>) -> Vec<Result<Value, io::Error>> {
    let count = |n: u32| json!({ "index": n, "partial": true });
    let events = events.unwrap_or_else(|| (0..3).map(count).collect());
    let mut planned: Vec<_> = events.into_iter().chain([last]).map(Ok).collect();
    if let Some(kept) = break_after {
        planned.truncate(kept);
        planned.push(Err(io::Error::other("asked to break the stream")));
    }
    planned
}
