//! The platform API under `/v1`.

use axum::Router;

use crate::Gateway;

pub(crate) fn routes() -> Router<Gateway> {
    Router::new()
}
