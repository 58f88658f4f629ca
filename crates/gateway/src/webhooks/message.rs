//! The message itself: its body and its headers.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::value::RawValue;
use tintype_domain::{Outcome, Timestamp};
use tintype_store::{Delivery, RequestState};

use super::keys::{Signed, WebhookKeys};

#[derive(Serialize)]
struct Body<'a> {
    request_id: String,
    gateway_request_id: String,
    status: &'static str,
    /// The answer as the model wrote it, `null` where that was not JSON.
    payload: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_error: Option<&'static str>,
    /// In one word, beyond what the API of fal says.
    outcome: Option<&'static str>,
}

pub(crate) fn body(delivery: &Delivery) -> Bytes {
    let outcome = match delivery.record.state {
        RequestState::Done(outcome) => Some(outcome),
        RequestState::Waiting | RequestState::Running => None,
    };
    let failed = outcome != Some(Outcome::Succeeded);
    let payload = serde_json::from_slice::<&RawValue>(&delivery.response.body).ok();
    let body = Body {
        request_id: delivery.request.to_string(),
        gateway_request_id: delivery.gateway_request_id.to_string(),
        status: if failed { "ERROR" } else { "OK" },
        payload,
        error: failed.then(|| error(delivery)),
        payload_error: payload.is_none().then_some("the output could not be represented as JSON"),
        outcome: outcome.map(Outcome::as_str),
    };
    // Strings, and JSON that has been checked: nothing here can fail.
    serde_json::to_vec(&body).unwrap_or_default().into()
}

/// The platform's own words where it failed, else the status of the model's answer.
fn error(delivery: &Delivery) -> String {
    match (&delivery.record.error_type, &delivery.record.error) {
        (Some(_), Some(error)) => error.clone(),
        _ => format!("Invalid status code: {}", delivery.response.status),
    }
}

pub(crate) fn headers(delivery: &Delivery, body: &[u8], keys: &WebhookKeys, now: Timestamp) -> HeaderMap {
    let (request, user, timestamp) = (delivery.request.to_string(), delivery.account.as_str(), now.as_secs());
    let signature = keys.sign(&Signed { request: &request, user, timestamp, body });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("x-fal-webhook-request-id", request.as_str()),
        ("x-fal-webhook-user-id", user),
        ("x-fal-webhook-timestamp", &timestamp.to_string()),
        ("x-fal-webhook-signature", &signature),
    ] {
        // An account whose name cannot stand in a header could not be verified by anyone; the others always can.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
