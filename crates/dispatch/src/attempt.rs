//! One attempt at a queued request: send it, take the whole answer, report.

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use tintype_domain::{ErrorType, Failure, Verdict, app::Event};
use tintype_store::{StoredRequest, StoredResponse};

use crate::{BoxBody, RunnerBody, headers, line::Line};

pub(crate) async fn run(mut line: Line) {
    let Some((verdict, answer)) = exchange(&mut line).await else { return };
    let (id, attempt) = (line.id, line.attempt);
    let keep = |belongings: &mut crate::actor::Belongings| {
        if let Some(answer) = answer {
            belongings.answers.insert(id, answer);
        }
    };
    line.actor.tell_with(keep, Event::Reported { id, attempt, verdict });
}

/// `None`: the machine gave the attempt up, and awaits no report.
async fn exchange(line: &mut Line) -> Option<(Verdict, Option<StoredResponse>)> {
    let request = match request(line).await {
        Ok(request) => request,
        Err(failure) => return Some((Verdict::Broken(failure), None)),
    };
    let limit = line.actor.house.parts.options.max_result_bytes;
    let answer = match line.send(request).await {
        Ok(answer) => answer,
        Err(failure) => return Some((Verdict::Broken(failure), None)),
    };
    let (head, body) = answer.into_parts();
    let collected = tokio::select! {
        biased;
        _ = line.revoked() => return None,
        collected = collect(body, limit) => collected,
    };
    Some(match collected {
        Ok(body) => {
            let mut headers = headers::to_store(&head.headers);
            headers.push(("x-fal-served-from".to_owned(), line.link.runner.to_string()));
            (line.verdict(), Some(StoredResponse { status: head.status.as_u16(), headers, body }))
        }
        Err(failure) => (Verdict::Broken(failure), None),
    })
}

async fn request(line: &mut Line) -> Result<Request<BoxBody>, Failure> {
    let stored = match line.actor.payload(line.id) {
        Some(stored) => stored,
        None => std::sync::Arc::new(payload(line).await?),
    };
    let lifecycle = stored.headers.iter().find(|(name, _)| name == headers::LIFECYCLE);
    line.lifecycle = lifecycle.map(|(_, value)| value.clone());
    build(&stored)
}

async fn payload(line: &Line) -> Result<StoredRequest, Failure> {
    let found = line.actor.house.parts.store.payload(line.id).await;
    // Reading may work in a moment: this failure is one that is tried again.
    let unreadable =
        |error| Failure::new(ErrorType::RunnerSchedulingFailure, format!("could not read the request: {error}"));
    let missing = || Failure::new(ErrorType::InternalError, "the body of the request is no longer stored");
    found.map_err(unreadable)?.ok_or_else(missing)
}

fn build(stored: &StoredRequest) -> Result<Request<BoxBody>, Failure> {
    let bad = |what: &str| Failure::new(ErrorType::BadRequest, format!("the {what} of the request cannot be sent"));
    let body = Full::new(stored.body.clone()).map_err(|never| match never {}).boxed_unsync();
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(stored.method.as_bytes()).map_err(|_| bad("method"))?;
    let path = if stored.path.is_empty() { "/" } else { &stored.path };
    *request.uri_mut() = path.parse().map_err(|_| bad("path"))?;
    for (name, value) in &stored.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("headers"))?;
        request.headers_mut().append(name, HeaderValue::from_str(value).map_err(|_| bad("headers"))?);
    }
    // The body is whole: its length is set anew.
    request.headers_mut().remove(http::header::CONTENT_LENGTH);
    Ok(request)
}

async fn collect(mut body: RunnerBody, limit: usize) -> Result<Bytes, Failure> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| incomplete(collected.len(), &error))?;
        if let Some(data) = frame.data_ref() {
            if collected.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            collected.extend_from_slice(data);
        }
    }
    Ok(collected.freeze())
}

fn incomplete(bytes: usize, _error: &crate::BodyError) -> Failure {
    let detail = format!("the runner broke off its answer after {bytes} bytes");
    Failure::new(ErrorType::RunnerIncompleteResponse, detail)
}

fn too_large(limit: usize) -> Failure {
    let detail = format!(
        "the model's answer is larger than {limit} bytes, the most that the queue keeps; \
         the model should store large output as a file and answer with its address"
    );
    Failure::new(ErrorType::RunnerServerError, detail)
}
