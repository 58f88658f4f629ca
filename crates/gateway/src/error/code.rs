//! The one match from an error to its status and code.

use http::StatusCode;
use tintype_access::AuthError;
use tintype_dispatch::SubmitError;
use tintype_store::StoreError;
use tintype_wire::json::JsonError;

use super::Error;

/// nginx's word for a caller that went away; clients of the API know it.
const CLIENT_CLOSED: StatusCode = match StatusCode::from_u16(499) {
    Ok(status) => status,
    Err(_) => StatusCode::BAD_REQUEST,
};

impl Error {
    /// The HTTP status, and the code that never changes.
    pub fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoKey
            | Self::AuthorizationForm { .. }
            | Self::Auth(
                AuthError::Malformed
                | AuthError::Unknown
                | AuthError::Revoked { .. }
                | AuthError::BadToken
                | AuthError::Expired,
            ) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::TokenScope { .. } | Self::NotAdmin { .. } | Self::PrivateApp { .. } => {
                (StatusCode::FORBIDDEN, "forbidden")
            }
            Self::EndpointForm(_) | Self::UnknownEndpoint { .. } | Self::Submit(SubmitError::UnknownApp { .. }) => {
                (StatusCode::NOT_FOUND, "endpoint_not_found")
            }
            // Neither 409 nor 503: clients repeat those by themselves, for a minute.
            Self::NotInstalled { .. } => (StatusCode::FAILED_DEPENDENCY, "model_not_installed"),
            Self::NoPrice { .. } => (StatusCode::NOT_FOUND, "price_not_found"),
            Self::NoHistory { .. } => (StatusCode::NOT_IMPLEMENTED, "not_implemented"),
            Self::NoRoute { .. } => (StatusCode::NOT_FOUND, "route_not_found"),
            Self::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::RequestId(_) | Self::UnknownRequest { .. } => (StatusCode::NOT_FOUND, "request_not_found"),
            Self::UnknownKey { .. } => (StatusCode::NOT_FOUND, "key_not_found"),
            Self::LastAdminKey { .. } => (StatusCode::CONFLICT, "last_admin_key"),
            Self::InProgress { .. } => (StatusCode::BAD_REQUEST, "request_in_progress"),
            Self::ResultGone { .. } => (StatusCode::NOT_FOUND, "result_expired"),
            Self::Header(_)
            | Self::Query { .. }
            | Self::Refused { .. }
            | Self::BodyCutOff
            | Self::BodyTooSlow { .. }
            | Self::NoTarget
            | Self::Target { .. } => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::NotASocket { .. } => (StatusCode::UPGRADE_REQUIRED, "websocket_required"),
            Self::ContentType { .. } | Self::ContentEncoding { .. } => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::Json(JsonError::Malformed { .. } | JsonError::TooDeep { .. }) | Self::Field(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_body")
            }
            Self::Submit(SubmitError::QueueFull { .. }) => (StatusCode::TOO_MANY_REQUESTS, "queue_full"),
            Self::Submit(SubmitError::KeyReused { .. }) => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::Submit(SubmitError::Stopping) | Self::Unavailable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "server_stopping")
            }
            Self::Submit(SubmitError::Store(error)) | Self::Auth(AuthError::Store(error)) | Self::Store(error) => {
                store(error)
            }
            Self::Failure { failure, .. } => (
                StatusCode::from_u16(failure.error_type.status()).unwrap_or(CLIENT_CLOSED),
                failure.error_type.as_str(),
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }
}

fn store(error: &StoreError) -> (StatusCode, &'static str) {
    match error {
        StoreError::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "storage_full"),
        StoreError::ReadOnly => (StatusCode::INSUFFICIENT_STORAGE, "storage_read_only"),
        StoreError::Closed => (StatusCode::SERVICE_UNAVAILABLE, "server_stopping"),
        StoreError::Exists { .. } | StoreError::Missing { .. } | StoreError::Database(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tintype_domain::ErrorType;

    /// Every code stands as a literal in one of these.
    const SOURCES: [&str; 2] = [include_str!("code.rs"), include_str!("../storage/error.rs")];

    /// The literals behind a status in the arms of a match.
    fn codes() -> BTreeSet<String> {
        let arms = SOURCES.iter().flat_map(|source| source.split("StatusCode::").skip(1));
        let literal = |arm: &str| {
            let (_, behind) = arm.split_once(", \"")?;
            let (code, _) = behind.split_once('"')?;
            let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            is_code.then(|| code.to_owned())
        };
        arms.filter_map(literal).chain(ErrorType::ALL.iter().map(|kind| kind.as_str().to_owned())).collect()
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let pages: BTreeSet<_> = names
            .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
            .filter(|name| name != "README")
            .collect();
        assert_eq!(codes(), pages);
        let index = std::fs::read_to_string(format!("{folder}/README.md")).unwrap();
        assert!(pages.iter().all(|page| index.contains(&format!("({page}.md)"))));
    }
}
