//! What went wrong, as the deployment tools show it: a status, and one sentence in `detail`.

use std::io;

use axum::{
    Json,
    extract::multipart::MultipartError,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;
use tintype_access::AuthError;
use tintype_store::StoreError;
use tokio::task::JoinError as TaskError;

use super::{app_files::KeepError, parcels::JoinError};
use crate::volume::{PlaceError, TreeError, UnpackError};

#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("no key was given: send `Authorization: Key id:secret`, which the tools do when FAL_KEY is set")]
    NoKey,
    #[error("`Authorization` must be `Key id:secret`; found the scheme `{found}`")]
    Authorization { found: String },
    #[error(transparent)]
    Auth(AuthError),
    #[error("key `{key}` may call apps and no more: use an admin key (`tintype keys create --scope admin`)")]
    NotAdmin { key: String },
    #[error("{what} `{found}` not found")]
    NotFound { what: &'static str, found: String },
    #[error("{0}")]
    Bad(String),
    #[error("a file with this hash is stored already")]
    Stored,
    #[error("the part is larger than {limit} bytes, the most that is accepted at once")]
    PartTooLarge { limit: u64 },
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("the body could not be read: {0}")]
    Form(#[from] MultipartError),
    #[error("the server has a fault: it is in its log")]
    Store(#[source] StoreError),
    #[error("the server could not read or write its files: {0}")]
    Io(#[from] io::Error),
    #[error("the server has a fault: it is in its log")]
    Task(#[from] TaskError),
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(source) => Self::Store(source),
            other => Self::Auth(other),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoKey | Self::Authorization { .. } | Self::Auth(_) => StatusCode::UNAUTHORIZED,
            Self::NotAdmin { .. } => StatusCode::FORBIDDEN,
            Self::NotFound { .. } | Self::Tree(TreeError::Missing { .. }) => StatusCode::NOT_FOUND,
            Self::Stored => StatusCode::CONFLICT,
            Self::PartTooLarge { .. }
            | Self::Join(JoinError::TooLarge { .. })
            | Self::Keep(KeepError::Join(JoinError::TooLarge { .. }))
            | Self::Unpack(UnpackError::TooLarge | UnpackError::TooMany { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Form(error) => error.status(),
            Self::Store(StoreError::DiskFull | StoreError::ReadOnly) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Store(_) | Self::Task(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Tree(TreeError::Io { source, .. })
            | Self::Unpack(UnpackError::Tree(TreeError::Io { source, .. }) | UnpackError::Io(source))
            | Self::Keep(KeepError::Io(source) | KeepError::Join(JoinError::Io(source)))
            | Self::Join(JoinError::Io(source))
            | Self::Io(source) => of_disk(source),
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

fn of_disk(error: &io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem => {
            StatusCode::INSUFFICIENT_STORAGE
        }
        io::ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = ?self, "a deployment route answered {status}: {self}");
        }
        (status, Json(json!({"detail": self.to_string()}))).into_response()
    }
}
