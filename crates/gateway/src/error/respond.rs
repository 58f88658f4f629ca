//! An error as an HTTP answer, in the shapes of the client API and of the platform API.

use tintype_domain::with_causes;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use tintype_wire::{
    error::{FieldError, FieldErrors, PlatformError, PlatformErrorBody, RequestError, platform_kind},
    header::{ERROR_TYPE, TIMEOUT_TYPE},
    json::JsonError,
};

use super::Error;
use crate::gallery::Lost;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        self.log(status, code);
        let mut response = match self.fields() {
            Some(detail) => json_response(status, &FieldErrors { detail: &detail, error_type: code }),
            None => json_response(status, &RequestError { detail: &self.detail(), error_type: code }),
        };
        self.mark(&mut response, code);
        response
    }
}

/// The same error, as routes under `/v1` put it.
pub(crate) struct InPlatform(pub Error);

impl<E: Into<Error>> From<E> for InPlatform {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for InPlatform {
    fn into_response(self) -> Response {
        let (status, code) = self.0.code();
        self.0.log(status, code);
        let message = self.0.detail();
        let error = PlatformErrorBody { kind: platform_kind(status.as_u16()), message: &message, code };
        let mut response = json_response(status, &PlatformError { error, detail: &message });
        self.0.mark(&mut response, code);
        response
    }
}

/// JSON is what every answer of the API is, errors above all: clients fail on anything else.
pub(crate) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec());
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

impl Error {
    fn mark(&self, response: &mut Response, code: &'static str) {
        if matches!(self, Self::NoKey | Self::EndpointForm(_) | Self::UnknownEndpoint { .. } | Self::NoRoute { .. }) {
            response.extensions_mut().insert(Lost);
        }
        let headers = response.headers_mut();
        headers.insert(ERROR_TYPE, HeaderValue::from_static(code));
        match self {
            Self::Failure { by_caller: true, .. } => {
                headers.insert(TIMEOUT_TYPE, HeaderValue::from_static("user"));
            }
            Self::Method { allowed, .. } => {
                if let Ok(allowed) = HeaderValue::from_str(allowed) {
                    headers.insert(header::ALLOW, allowed);
                }
            }
            Self::ContentEncoding { .. } => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            Self::NoKey | Self::AuthorizationForm { .. } | Self::Auth(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Key"));
            }
            _ => {}
        }
    }

    /// Errors of the input are lists, each entry with its place.
    fn fields(&self) -> Option<Vec<FieldError>> {
        match self {
            Self::Field(error) => Some(vec![(**error).clone()]),
            Self::Json(JsonError::Malformed { reason, position }) => {
                let error = FieldError::new("json_invalid", &["body"], self.to_string());
                Some(vec![error.at(*position).ctx(json!({"error": reason}))])
            }
            Self::Json(JsonError::TooDeep { limit }) => {
                let error = FieldError::new("json_too_deep", &["body"], self.to_string());
                Some(vec![error.ctx(json!({"max_depth": limit}))])
            }
            _ => None,
        }
    }

    /// What to do about a store that refuses is said here, because the store does not know its reader.
    fn detail(&self) -> String {
        match self.code().1 {
            "storage_full" => format!("{self}: nothing was accepted; free space and try again"),
            "storage_read_only" => format!("{self}: nothing was accepted; check its permissions and mount"),
            _ => self.to_string(),
        }
    }

    /// What is the server's own trouble is logged here, once, with its chain; what callers do wrong is not.
    fn log(&self, status: StatusCode, code: &'static str) {
        if !status.is_server_error()
            || matches!(self, Self::Failure { .. } | Self::Unavailable { .. } | Self::NoHistory { .. })
        {
            return;
        }
        let chain = with_causes(self);
        tracing::error!(code, "answered {status}: {chain}");
    }
}
