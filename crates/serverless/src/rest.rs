//! The REST half of the deployment API: app files, `/data`, logs, queues and accounts.
//!
//! Paths of `/data` are absolute and come as they are, so a double slash stands in an address; a router's catch-all
//! takes the rest of it. Every error is `{"detail": "..."}`, which the tools print.

mod app_files;
mod app_upload;
mod applications;
mod caller;
mod data_files;
mod data_parts;
mod form;
mod live_logs;
mod logs;
mod parcels;
mod problem;
mod users;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{any, get, post, put},
};

pub use app_files::{AppFiles, MaterializeError};

use caller::Caller;
use problem::Problem;

use crate::Serverless;

/// JSON bodies: lists of hashes and of parts.
const MAX_JSON: usize = 32 << 20;

pub(crate) fn routes(serverless: Serverless) -> Router {
    files().merge(operations()).with_state(serverless)
}

fn files() -> Router<Serverless> {
    // Forms are measured as they are read, and may be larger than any document.
    let forms = Router::new()
        .route("/files/app/multipart/{hash}/{upload}/{number}", put(app_upload::part))
        .route("/files/file/local/{*path}", post(data_files::write))
        .route("/files/file/multipart/{*path}", any(data_parts::serve))
        .layer(DefaultBodyLimit::disable());
    let documents = Router::new()
        .route("/files/missing_hashes", post(app_upload::missing))
        .route("/files/app/multipart/{hash}/initiate", post(app_upload::initiate))
        .route("/files/app/multipart/{hash}/{upload}/complete", post(app_upload::complete))
        .route("/files/app/multipart/{hash}/{upload}/cancel", post(app_upload::cancel))
        .route("/files/list/{*path}", get(data_files::list))
        .route("/files/file/{*path}", get(data_files::read).delete(data_files::remove))
        .route("/files/file/url/{*path}", post(data_files::fetch))
        .route("/files/rename/{*path}", post(data_files::rename))
        .route("/files/dir/check_hash/{*path}", post(data_files::check_hash))
        .layer(DefaultBodyLimit::max(MAX_JSON));
    forms.merge(documents)
}

fn operations() -> Router<Serverless> {
    Router::new()
        .route("/users/current", get(users::current))
        .route("/users/teams", get(users::teams))
        .route("/runners/{id}", get(logs::runner))
        .route("/logs/history", post(logs::history).get(logs::history))
        .route("/logs/stream", post(live_logs::stream).get(live_logs::stream))
        .route("/applications/metrics", get(applications::metrics))
        .route("/applications/{nickname}/{alias}/queue", get(applications::queue).delete(applications::flush))
        .route("/applications/{nickname}/{alias}/metadata", get(applications::metadata))
}

/// Runs what waits for a disk where nobody else waits for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await?
}
