//! The platform API under `/v1`: models, and what the command line and operators ask of a server.

mod apps;
mod events;
mod keys;
mod models;
mod requests;
mod runners;
pub(crate) mod search;

use axum::{
    Router,
    routing::{delete, get, post},
};

use crate::{Gateway, storage};

pub(crate) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/models", get(models::list))
        .route("/models/pricing", get(models::pricing::list))
        .route("/models/pricing/estimate", post(models::pricing::estimate))
        .route("/requests", get(requests::list))
        .route("/requests/{id}", get(requests::show))
        .route("/requests/{id}/cancel", post(requests::cancel).put(requests::cancel))
        .route("/events", get(events::list))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{id}", delete(keys::revoke))
        .route("/apps", get(apps::list))
        .route("/apps/{owner}/{alias}", get(apps::show))
        .route("/runners", get(runners::list))
        .merge(storage::platform())
}
