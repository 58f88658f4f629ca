//! What a router of its own refuses by itself, in the shape that every error has.

use axum::{
    body::to_bytes,
    response::{IntoResponse, Response},
};
use http::{
    Method, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};

use crate::{Error, error::InPlatform};

/// A refusal is a line of text; anything longer is no refusal.
const LONGEST: usize = 4096;
/// What routes that read a small document accept.
const DOCUMENT_LIMIT: usize = 2 << 20;

/// Gives an error without a JSON body one; passes everything else.
pub(crate) async fn worded(response: Response, method: &Method, in_platform: bool) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !is_error || kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return response;
    }
    let error = error(response, status, method).await;
    if in_platform { InPlatform(error).into_response() } else { error.into_response() }
}

async fn error(response: Response, status: StatusCode, method: &Method) -> Error {
    let allowed = response.headers().get(ALLOW).and_then(|value| value.to_str().ok()).unwrap_or("").replace(',', ", ");
    let text = to_bytes(response.into_body(), LONGEST).await.unwrap_or_default();
    match status {
        StatusCode::METHOD_NOT_ALLOWED => Error::Method { found: method.to_string(), allowed: allowed.into() },
        StatusCode::PAYLOAD_TOO_LARGE => Error::BodyTooLarge { limit: DOCUMENT_LIMIT },
        _ if status.is_server_error() => Error::Internal,
        _ => Error::Refused { detail: String::from_utf8_lossy(&text).trim().to_owned() },
    }
}
