//! Why the platform, rather than the model, could not answer: the request errors of the client API.

use serde::{Deserialize, Serialize};

/// The stable public names of platform failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    RequestTimeout,
    StartupTimeout,
    RunnerSchedulingFailure,
    RunnerConnectionTimeout,
    RunnerDisconnected,
    RunnerConnectionRefused,
    RunnerConnectionError,
    RunnerIncompleteResponse,
    RunnerServerError,
    ClientDisconnected,
    ClientCancelled,
    BadRequest,
    InternalError,
}

impl ErrorType {
    pub const ALL: [Self; 13] = [
        Self::RequestTimeout,
        Self::StartupTimeout,
        Self::RunnerSchedulingFailure,
        Self::RunnerConnectionTimeout,
        Self::RunnerDisconnected,
        Self::RunnerConnectionRefused,
        Self::RunnerConnectionError,
        Self::RunnerIncompleteResponse,
        Self::RunnerServerError,
        Self::ClientDisconnected,
        Self::ClientCancelled,
        Self::BadRequest,
        Self::InternalError,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestTimeout => "request_timeout",
            Self::StartupTimeout => "startup_timeout",
            Self::RunnerSchedulingFailure => "runner_scheduling_failure",
            Self::RunnerConnectionTimeout => "runner_connection_timeout",
            Self::RunnerDisconnected => "runner_disconnected",
            Self::RunnerConnectionRefused => "runner_connection_refused",
            Self::RunnerConnectionError => "runner_connection_error",
            Self::RunnerIncompleteResponse => "runner_incomplete_response",
            Self::RunnerServerError => "runner_server_error",
            Self::ClientDisconnected => "client_disconnected",
            Self::ClientCancelled => "client_cancelled",
            Self::BadRequest => "bad_request",
            Self::InternalError => "internal_error",
        }
    }

    /// The HTTP status with which the client API answers.
    pub const fn status(self) -> u16 {
        match self {
            Self::RequestTimeout | Self::StartupTimeout => 504,
            Self::RunnerSchedulingFailure
            | Self::RunnerConnectionTimeout
            | Self::RunnerDisconnected
            | Self::RunnerConnectionRefused
            | Self::RunnerConnectionError => 503,
            Self::RunnerIncompleteResponse => 502,
            Self::RunnerServerError | Self::InternalError => 500,
            Self::ClientDisconnected | Self::ClientCancelled => 499,
            Self::BadRequest => 400,
        }
    }
}

/// A platform failure with its explanation for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    pub error_type: ErrorType,
    pub detail: String,
}

impl Failure {
    pub fn new(error_type: ErrorType, detail: impl Into<String>) -> Self {
        Self { error_type, detail: detail.into() }
    }
}
/// An error and all its causes, on one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
