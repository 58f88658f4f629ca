//! Streams: a preview after each step, and the whole answer as the last event.

use axum::response::Response;
use futures::{
    FutureExt,
    future::{self, BoxFuture},
    stream,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Endpoint, answer, call::report};
use crate::{
    caller::Caller,
    calls::Running,
    events,
    input::Input,
    native::work::{Preview, Ready},
    problem::Problem,
};

/// Previews that may wait for a caller who reads slowly.
const WAITING: usize = 8;

/// What is wrong with the input is said before the stream begins, with a status of its own.
pub(super) async fn stream(endpoint: Endpoint, caller: Caller, input: Input) -> Result<Response, Problem> {
    let running = endpoint.work.shared.calls.begin(caller.request.as_deref());
    let prepared = async {
        let input = input.into_object()?;
        endpoint.work.prepare(&endpoint.path, &input, &caller, &running.token).await
    };
    let ready = prepared.await.inspect_err(|problem| report(problem, &caller))?;
    let (sender, previews) = mpsc::channel(WAITING);
    let model = endpoint.work.options().model.clone();
    let last = finish(endpoint, caller, running, ready, sender).boxed();
    let progress = Progress { model, previews: Some(previews), last: Some(last), result: None };
    Ok(events::answer(stream::unfold(progress, Progress::next)))
}

/// The previews first, whatever is ready first: callers take the last event for the answer.
struct Progress {
    model: String,
    /// `None` when there will be no more.
    previews: Option<mpsc::Receiver<Preview>>,
    last: Option<BoxFuture<'static, Result<Value, Problem>>>,
    result: Option<Result<Value, Problem>>,
}

enum Event {
    Preview(Option<Preview>),
    Done(Result<Value, Problem>),
}

impl Progress {
    async fn next(mut self) -> Option<(Result<Value, Problem>, Self)> {
        while self.previews.is_some() || self.last.is_some() {
            let event = tokio::select! {
                biased;
                preview = received(self.previews.as_mut()) => Event::Preview(preview),
                result = finished(self.last.as_mut()) => Event::Done(result),
            };
            match event {
                Event::Preview(Some(preview)) => return Some((Ok(answer::partial(&self.model, &preview)), self)),
                Event::Preview(None) => self.previews = None,
                Event::Done(result) => (self.last, self.result) = (None, Some(result)),
            }
        }
        self.result.take().map(|result| (result, self))
    }
}

async fn received(previews: Option<&mut mpsc::Receiver<Preview>>) -> Option<Preview> {
    match previews {
        Some(previews) => previews.recv().await,
        None => future::pending().await,
    }
}

async fn finished(last: Option<&mut BoxFuture<'static, Result<Value, Problem>>>) -> Result<Value, Problem> {
    match last {
        Some(last) => last.await,
        None => future::pending().await,
    }
}

/// Owns the call: when the stream is dropped, so is this, and the computation with it.
async fn finish(
    endpoint: Endpoint,
    caller: Caller,
    running: Running,
    ready: Ready,
    previews: mpsc::Sender<Preview>,
) -> Result<Value, Problem> {
    let inline = ready.inline;
    let done = async {
        let output = endpoint.work.compute(ready, &caller, &running.token, Some(previews)).await?;
        answer::complete(&endpoint, &caller, output, inline).await
    };
    let done = done.await;
    endpoint.work.settle(&caller, &done);
    done.inspect_err(|problem| report(problem, &caller))
}
