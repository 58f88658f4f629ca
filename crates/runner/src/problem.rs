//! What goes wrong with a call, and the answer that it gets.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tintype_domain::with_causes;
use tintype_engine::{Cancelled, Detail, Invalid, RunError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the body is larger than {limit} bytes, which is what a runner takes: upload the file and send its URL")]
    TooLarge { limit: usize },
    #[error("Path {path} not found")]
    UnknownPath { path: String },
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The platform's socket did not do its part. Not a fault of this runner, which need not be replaced.
    #[error("the platform could not {task}")]
    Platform { task: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the computation failed")]
    Computation(#[source] Box<dyn std::error::Error + Send + Sync>),
}

pub(crate) const UNITS: HeaderName = HeaderName::from_static("x-fal-billable-units");
/// The status of a call that its caller gave up.
const CLIENT_CLOSED_REQUEST: u16 = 499;

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownPath { .. } => StatusCode::NOT_FOUND,
            Self::Cancelled(_) => {
                StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Platform { .. } | Self::Computation(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The `detail` of the answer.
    pub fn detail(&self) -> Value {
        match self {
            Self::Invalid(Invalid(details)) => json!(details),
            Self::Computation(_) => {
                json!([Detail::new("", "internal_server_error", "The model failed; the request's logs say more.")])
            }
            Self::Platform { .. } => json!([Detail::new("", "downstream_service_error", self.chain())]),
            other => json!(other.to_string()),
        }
    }

    /// Display of the whole chain, for the log.
    pub fn chain(&self) -> String {
        with_causes(self)
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Invalid(invalid) => Self::Invalid(invalid),
            RunError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            RunError::Computation(source) => Self::Computation(source),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = json_answer(self.status(), &json!({ "detail": self.detail() }));
        if matches!(self, Self::Invalid(_) | Self::UnknownPath { .. } | Self::TooLarge { .. }) {
            response.headers_mut().insert(UNITS, http::HeaderValue::from_static("0"));
        }
        response
    }
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
