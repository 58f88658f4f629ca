//! Files: uploads of every kind, downloads, and the routes by which runners reach them.
//!
//! A file has an unguessable address from its first moment, an owner, a life and an access list. Its bytes are
//! written first, then its record: a crash between the two leaves bytes that nobody can reach and that the
//! [`Sweeper`] removes. No answer says whether a file exists that the reader may not know of.

mod announced;
mod answer;
mod body;
mod caller;
mod conditions;
mod direct;
mod download;
mod error;
mod fetch;
mod files;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod initiate;
mod lifecycle;
mod links;
mod multipart;
mod name;
mod policy;
mod receive;
mod share;
mod signed;
mod sweep;
#[cfg(test)]
mod tests;
mod token;
mod uploader;

use axum::{
    Router,
    extract::FromRef,
    routing::{get, post, put},
};

pub use sweep::Sweeper;

use files::Files;

/// `/storage/...`, as the REST host serves it.
pub(crate) fn rest<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Files: FromRef<S>,
{
    Router::new()
        .route("/storage/auth/token", post(token::issue))
        .route("/storage/upload/initiate", post(initiate::initiate))
        // Nearly the same: whether a file arrives whole or in parts is the sender's choice at the address that it gets.
        .route("/storage/upload/initiate-multipart", post(announced::initiate))
}

/// `/files/...`, as the CDN host serves it.
pub(crate) fn cdn<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Files: FromRef<S>,
{
    Router::new()
        .route("/files/upload", post(direct::upload))
        .route("/files/upload/multipart", post(multipart::create))
        .route("/files/b/{file}/{name}", get(download::serve))
        .route("/files/b/{file}/{name}/sign", post(share::sign))
        .route("/files/b/{file}/{name}/multipart/{upload}/complete", post(multipart::complete))
        .route("/files/b/{file}/{name}/multipart/{upload}/{part}", put(multipart::part))
        .route("/files/parts/{upload}/complete", post(announced::complete))
        .route("/files/parts/{upload}/{part}", post(announced::part))
        .route("/files/signed/{upload}", put(signed::whole))
        .route("/files/signed/{upload}/complete", post(signed::complete))
        .route("/files/signed/{upload}/{part}", put(signed::part))
}

/// `/storage/files/...`, as the platform API serves it under `/v1`.
pub(crate) fn platform<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Files: FromRef<S>,
{
    Router::new()
        .route("/storage/files/acl", get(share::acl).put(share::set_acl))
        .route("/storage/files/sign", post(share::sign_address))
        .route("/storage/files", axum::routing::delete(share::delete))
}

/// `/files/upload` and `/fetch`, on the socket that only runners reach.
pub(crate) fn runner<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Files: FromRef<S>,
{
    Router::new().route("/files/upload", post(direct::upload)).route("/fetch", post(fetch::fetch))
}

/// `/v1/uploads` and `/v1/upload-sessions`, on the socket that apps put their files to.
pub(crate) fn uploader<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Files: FromRef<S>,
{
    Router::new()
        .route("/v1/uploads", post(uploader::accept))
        .route("/v1/uploads/{upload}", get(uploader::state))
        .route("/v1/upload-sessions", post(uploader::begin))
        .route("/v1/upload-sessions/{session}", axum::routing::delete(uploader::abort))
        .route("/v1/upload-sessions/{session}/body", put(uploader::fill))
        .route("/v1/upload-sessions/{session}/finish", post(uploader::finish))
        // Files are measured as they are read.
        .layer(axum::extract::DefaultBodyLimit::disable())
}
