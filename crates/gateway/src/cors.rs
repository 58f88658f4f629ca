//! Browsers on other origins: preflights, and which headers their scripts may read.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, VARY,
    },
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-fal-request-id, x-fal-request-timeout-type, x-fal-error-type, x-fal-billable-units, x-fal-needs-retry, \
     x-fal-served-from, x-fal-runner-hints, etag, content-range, content-disposition",
);

/// Answers `OPTIONS`, on any path. A key travels in a header, never in a cookie, so any origin may ask.
pub(crate) fn preflight(headers: &HeaderMap) -> Response {
    let mut response = (StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response();
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    answer.insert(VARY, HeaderValue::from_static("access-control-request-headers"));
    // A star would not cover `Authorization`.
    if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    response
}

/// Lets the script that asked read the answer.
pub(crate) fn expose(by_script: bool, answer: &mut HeaderMap) {
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if by_script {
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
