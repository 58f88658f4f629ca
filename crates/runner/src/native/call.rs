//! Plain calls.

use axum::response::Response;
use http::{HeaderValue, StatusCode};

use super::{Endpoint, answer};
use crate::{
    caller::Caller,
    input::Input,
    log::{self, Level},
    problem::{Problem, UNITS, json_answer},
};

pub(super) async fn call(endpoint: Endpoint, caller: Caller, input: Input) -> Result<Response, Problem> {
    let work = &endpoint.work;
    let running = work.shared.calls.begin(caller.request.as_deref());
    let done = async {
        let ready = work.prepare(&endpoint.path, &input.into_object()?, &caller, &running.token).await?;
        let inline = ready.inline;
        let output = work.compute(ready, &caller, &running.token, None).await?;
        let units = output.units.unwrap_or(output.files.len() as f64);
        Ok((answer::complete(&endpoint, &caller, output, inline).await?, units))
    };
    let done = done.await;
    work.settle(&caller, &done);
    let (answer, units) = done.inspect_err(|problem| report(problem, &caller))?;
    let mut response = json_answer(StatusCode::OK, &answer);
    response.headers_mut().insert(UNITS, units_header(units));
    Ok(response)
}

/// Whole units without a fraction.
fn units_header(units: f64) -> HeaderValue {
    HeaderValue::from_str(&units.to_string()).unwrap_or(HeaderValue::from_static("0"))
}

/// What the caller did wrong is theirs to read in the answer; everything else is told to the log.
pub(super) fn report(problem: &Problem, caller: &Caller) {
    let level = match problem {
        Problem::Invalid(_) | Problem::TooLarge { .. } | Problem::UnknownPath { .. } => return,
        Problem::Cancelled(_) => Level::Info,
        Problem::Platform { .. } | Problem::Computation(_) => Level::Error,
    };
    log::line(level, caller.request.as_deref(), &problem.chain());
}
