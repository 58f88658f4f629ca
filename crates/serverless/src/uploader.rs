//! The node-local uploader that runners reach by a Unix socket.

use axum::Router;

use crate::Serverless;

pub fn uploader_routes(_serverless: Serverless) -> Router {
    Router::new()
}
