//! Why a file could not be stored or read, and what the caller is told.

use std::io;
use tintype_domain::with_causes;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_RANGE, WWW_AUTHENTICATE},
};
use tintype_access::AuthError;
use tintype_blob::{AssembleError, PutError, ReadError, SignatureError};
use tintype_store::StoreError;
use tintype_wire::{
    error::{FieldError, FieldErrors, RequestError},
    header::ERROR_TYPE,
};

use crate::error::json_response;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no credentials were given: send `Authorization: Key <id>:<secret>`, or `Bearer` with a storage token")]
    NoCredentials,
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("this token is for realtime connections: ask /storage/auth/token for one that stores files")]
    WrongToken,
    #[error("the access list of this file does not let you read it")]
    Forbidden,
    /// Also what a reader is told from whom the file is hidden.
    #[error("there is no such file: it may have expired or been deleted, or the address is incomplete")]
    NoFile,
    #[error("there is no such upload: it may have expired or be complete; begin a new one")]
    NoUpload,
    #[error("the file is larger than {limit} bytes, the most that one upload may hold")]
    TooLarge { limit: u64 },
    #[error("header `{name}` is not understood: {problem}")]
    Header { name: &'static str, problem: String },
    #[error("part number `{found}` is not understood: expected 1 to {MAX_PARTS}")]
    PartNumber { found: String },
    #[error("`{}`: {}", .0.loc.last().and_then(|last| last.as_str()).unwrap_or("body"), .0.msg)]
    Field(Box<FieldError>),
    #[error("the range `{found}` lies outside the file, which has {size} bytes")]
    Range { found: String, size: u64 },
    #[error("the file changed: its entity tag is now {etag}")]
    Precondition { etag: String },
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the upload broke off before its end: send it again")]
    BrokenOff,
    #[error("too many files arrive at the moment: send it again shortly")]
    Busy,
    #[error("this address was already used for a file with other content: begin a new upload")]
    Taken,
    #[error("{0}: send it again, or complete with the parts that arrived")]
    Parts(AssembleError),
    #[error("the disk of this server is full: free some space, or shorten the life of files")]
    DiskFull,
    #[error("the data folder of this server cannot be written")]
    ReadOnly,
    #[error("the file could not be stored or read")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Most parts of one upload.
pub(crate) const MAX_PARTS: u32 = 10_000;

impl Error {
    /// The HTTP status, and the code that never changes.
    pub(crate) const fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoCredentials | Self::Auth(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::WrongToken | Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Signature(_) => (StatusCode::FORBIDDEN, "signature_invalid"),
            Self::NoFile => (StatusCode::NOT_FOUND, "file_not_found"),
            Self::NoUpload => (StatusCode::NOT_FOUND, "upload_not_found"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::Range { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable"),
            Self::Precondition { .. } => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::Field(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_body"),
            Self::Header { .. } | Self::BrokenOff => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "too_many_uploads"),
            // Not 409: clients take that for a passing condition and repeat.
            Self::Taken => (StatusCode::BAD_REQUEST, "upload_conflict"),
            Self::PartNumber { .. } | Self::Parts(_) => (StatusCode::BAD_REQUEST, "upload_parts_invalid"),
            Self::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "storage_full"),
            Self::ReadOnly => (StatusCode::INSUFFICIENT_STORAGE, "storage_read_only"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }

    pub(crate) fn field(kind: &str, field: &str, message: impl Into<String>) -> Self {
        Self::Field(Box::new(FieldError::new(kind, &["body", field], message)))
    }

    pub(crate) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// What is the server's own trouble is logged here, once, with its chain; what callers do wrong is not.
    fn log(&self, status: StatusCode, code: &'static str) {
        if !status.is_server_error() {
            return;
        }
        let chain = with_causes(self);
        tracing::error!(code, "storage answered {status}: {chain}");
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        self.log(status, code);
        let mut response = match &self {
            Self::Field(field) => {
                json_response(status, &FieldErrors { detail: std::slice::from_ref(&**field), error_type: code })
            }
            other => json_response(status, &RequestError { detail: &other.to_string(), error_type: code }),
        };
        let headers = response.headers_mut();
        headers.insert(ERROR_TYPE, HeaderValue::from_static(code));
        match self {
            Self::Range { size, .. } => {
                let value = HeaderValue::try_from(format!("bytes */{size}")).expect("digits are a header value");
                headers.insert(CONTENT_RANGE, value);
            }
            Self::NoCredentials | Self::Auth(_) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Key"));
            }
            _ => {}
        }
        response
    }
}

impl From<PutError> for Error {
    fn from(error: PutError) -> Self {
        match error {
            PutError::TooLarge { limit } => Self::TooLarge { limit },
            PutError::BrokenOff(_) => Self::BrokenOff,
            PutError::Taken { .. } => Self::Taken,
            PutError::BadId { .. } => Self::NoUpload,
            PutError::DiskFull => Self::DiskFull,
            PutError::ReadOnly => Self::ReadOnly,
            PutError::Io(_) => Self::internal(error),
        }
    }
}

impl From<AssembleError> for Error {
    fn from(error: AssembleError) -> Self {
        match error {
            AssembleError::Put(error) => error.into(),
            AssembleError::NoParts | AssembleError::Ambiguous { .. } | AssembleError::Missing { .. } => {
                Self::Parts(error)
            }
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound { .. } => Self::NoFile,
            ReadError::OutOfRange { .. } | ReadError::Io(_) => Self::internal(error),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            StoreError::ReadOnly => Self::ReadOnly,
            StoreError::Closed | StoreError::Exists { .. } | StoreError::Missing { .. } | StoreError::Database(_) => {
                Self::internal(error)
            }
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        PutError::from(error).into()
    }
}
