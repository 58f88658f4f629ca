//! Why something that a deployer asked for was not done.

use tintype_access::KeyError;
use tintype_dispatch::{RegisterError, UnknownApp, UnknownRunner};
use tintype_domain::with_causes;
use tintype_store::StoreError;
use tonic::{Code, Status};

use crate::environment::BuildError;

/// The text of each is shown to the deployer as it is. Nothing here is ever `UNAVAILABLE`, which would be retried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    #[error("{0}")]
    Invalid(String),
    #[error("{0} not found")]
    NotFound(String),
    #[error("{0} exists already")]
    Exists(String),
    /// What is asked for cannot be done as things stand.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Exhausted(String),
    #[error("{0}")]
    Denied(String),
    #[error("{0}")]
    Unauthenticated(String),
    #[error("the server could not do that: {0}")]
    Internal(String),
}

impl DeployError {
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::NotFound(_) => Code::NotFound,
            Self::Exists(_) => Code::AlreadyExists,
            Self::Refused(_) => Code::FailedPrecondition,
            Self::Exhausted(_) => Code::ResourceExhausted,
            Self::Denied(_) => Code::PermissionDenied,
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Internal(_) => Code::Internal,
        }
    }
}

impl From<DeployError> for Status {
    fn from(error: DeployError) -> Self {
        if let DeployError::Internal(cause) = &error {
            tracing::error!("a call of the deployment API failed: {cause}");
        }
        Self::new(error.code(), error.to_string())
    }
}

impl From<StoreError> for DeployError {
    fn from(error: StoreError) -> Self {
        match error {
            // Somebody deleted it while this was under way.
            StoreError::Missing { kind } => Self::NotFound(format!("the {kind}")),
            error => Self::Internal(with_causes(&error)),
        }
    }
}

impl From<std::io::Error> for DeployError {
    fn from(error: std::io::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<BuildError> for DeployError {
    fn from(error: BuildError) -> Self {
        if error.is_callers() { Self::Refused(error.to_string()) } else { Self::Internal(error.to_string()) }
    }
}

impl From<RegisterError> for DeployError {
    fn from(error: RegisterError) -> Self {
        match &error {
            RegisterError::Exists { .. } => Self::Refused(error.to_string()),
            RegisterError::Stopping | RegisterError::Recovery { .. } => Self::Internal(with_causes(&error)),
        }
    }
}

impl From<UnknownApp> for DeployError {
    fn from(error: UnknownApp) -> Self {
        Self::NotFound(format!("app `{}`", error.app))
    }
}

impl From<UnknownRunner> for DeployError {
    fn from(error: UnknownRunner) -> Self {
        Self::NotFound(format!("runner `{}`", error.runner))
    }
}

impl From<KeyError> for DeployError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NoRandomness | KeyError::Store(_) => Self::Internal(with_causes(&error)),
            other => Self::Invalid(other.to_string()),
        }
    }
}
