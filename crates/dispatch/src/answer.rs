//! How the end of a queued request is stored.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tintype_domain::{ErrorType, Failure, Outcome, Timestamp, app::End};
use tintype_store::{Finish, StoredResponse};

const ERROR_TYPE: &str = "x-fal-error-type";

/// `answer`: what the attempt that ends the request was answered, if it was.
pub(crate) fn finish(end: &End, answer: Option<StoredResponse>, at: Timestamp, retention: Duration) -> Finish {
    let expires_at = at.plus(retention);
    match (end, answer) {
        (End::Answer { outcome }, Some(response)) => {
            let (error, error_type) = said(*outcome, &response);
            Finish { outcome: *outcome, response, error, error_type, at, expires_at }
        }
        (End::Answer { .. }, None) => {
            let failure = Failure::new(ErrorType::InternalError, "the answer of the runner was lost");
            failed(Outcome::Failed, &failure, at, expires_at)
        }
        (End::Failure { outcome, failure }, _) => failed(*outcome, failure, at, expires_at),
    }
}

fn failed(outcome: Outcome, failure: &Failure, at: Timestamp, expires_at: Timestamp) -> Finish {
    let response = failure_response(outcome, failure);
    let (error, error_type) = (Some(failure.detail.clone()), Some(failure.error_type));
    Finish { outcome, response, error, error_type, at, expires_at }
}

fn failure_response(outcome: Outcome, failure: &Failure) -> StoredResponse {
    let error_type = failure.error_type.as_str();
    let body = json!({ "detail": failure.detail, "error_type": error_type });
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        (ERROR_TYPE.to_owned(), error_type.to_owned()),
    ];
    if outcome == Outcome::Expired {
        // Tells clients that repeating the request is pointless: the deadline was theirs.
        headers.push(("x-fal-request-timeout-type".to_owned(), "user".to_owned()));
    }
    StoredResponse { status: failure.error_type.status(), headers, body: Bytes::from(body.to_string()) }
}

/// What an answer of the model says of its own failure.
fn said(outcome: Outcome, response: &StoredResponse) -> (Option<String>, Option<ErrorType>) {
    match outcome {
        Outcome::Succeeded => (None, None),
        Outcome::Cancelled => (Some(detail(response)), Some(ErrorType::ClientCancelled)),
        Outcome::Failed | Outcome::Expired => (Some(detail(response)), error_type(response)),
    }
}

fn detail(response: &StoredResponse) -> String {
    let found: Option<Value> = serde_json::from_slice(&response.body).ok();
    let detail = found.as_ref().and_then(|body| body.get("detail"));
    let first = |list: &Value| list.get(0)?.get("msg")?.as_str().map(str::to_owned);
    let text = detail.and_then(|detail| detail.as_str().map(str::to_owned).or_else(|| first(detail)));
    text.unwrap_or_else(|| format!("Invalid status code: {}", response.status))
}

fn error_type(response: &StoredResponse) -> Option<ErrorType> {
    let header = response.headers.iter().find(|(name, _)| name == ERROR_TYPE).map(|(_, value)| value.as_str());
    let named = header.and_then(|name| ErrorType::ALL.into_iter().find(|error_type| error_type.as_str() == name));
    named.or_else(|| (response.status >= 500).then_some(ErrorType::RunnerServerError))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &'static str) -> Finish {
        let outcome = if status < 400 { Outcome::Succeeded } else { Outcome::Failed };
        let response = StoredResponse { status, headers: Vec::new(), body: Bytes::from_static(body.as_bytes()) };
        finish(&End::Answer { outcome }, Some(response), Timestamp::EPOCH, Duration::from_secs(1))
    }

    #[test]
    fn an_answer_is_kept_as_it_is_and_its_failure_is_named() {
        assert_eq!(answered(200, "{}").error, None);
        assert_eq!(answered(422, r#"{"detail":[{"msg":"too big"}]}"#).error.as_deref(), Some("too big"));
        assert_eq!(answered(500, r#"{"detail":"boom"}"#).error.as_deref(), Some("boom"));
        assert_eq!(answered(404, "<html>").error.as_deref(), Some("Invalid status code: 404"));
        assert_eq!(answered(500, "").error_type, Some(ErrorType::RunnerServerError));
        assert_eq!(answered(404, "").error_type, None);
    }

    #[test]
    fn an_expired_request_answers_504_and_says_that_the_deadline_was_the_callers() {
        let failure = Failure::new(ErrorType::RequestTimeout, "late");
        let end = End::Failure { outcome: Outcome::Expired, failure };
        let finish = finish(&end, None, Timestamp::EPOCH, Duration::from_secs(1));
        assert_eq!(finish.response.status, 504);
        assert_eq!(finish.response.body, r#"{"detail":"late","error_type":"request_timeout"}"#);
        assert!(finish.response.headers.contains(&("x-fal-request-timeout-type".into(), "user".into())));
        assert_eq!(finish.expires_at, Timestamp::from_micros(1_000_000));
    }
}
