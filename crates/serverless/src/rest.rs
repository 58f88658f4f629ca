//! The REST half of the deployment API.

mod app_files;

use axum::Router;

pub use app_files::AppFiles;

use crate::Serverless;

pub(crate) fn routes(_serverless: Serverless) -> Router {
    Router::new()
}
