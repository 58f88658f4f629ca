//! Webhooks: signatures, the key set, and the loop that delivers.
//!
//! What has to be delivered is in the store, written with the result itself; this module only reads it, tries, and
//! writes down how it went. A receiver may therefore get a message twice, and never not at all while it answers.

mod courier;
mod keys;
mod message;
mod schedule;
#[cfg(test)]
mod tests;

use axum::{
    Json, Router,
    extract::State,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio_util::sync::CancellationToken;

use crate::Gateway;

use courier::Courier;
pub use keys::{WebhookKeyError, WebhookKeys};

/// Delivers what is due until it is told to stop.
pub struct Webhooks {
    courier: Courier,
}

impl Webhooks {
    pub fn new(gateway: &Gateway) -> Self {
        Self { courier: Courier::of(gateway) }
    }

    pub async fn run(self, stop: CancellationToken) {
        self.courier.run(stop).await;
    }
}

/// `/.well-known/jwks.json`, as the REST host serves it.
pub(crate) fn routes() -> Router<Gateway> {
    Router::new().route("/.well-known/jwks.json", get(jwks))
}

async fn jwks(State(gateway): State<Gateway>) -> Response {
    ([(CACHE_CONTROL, "public, max-age=3600")], Json(gateway.webhook_keys.jwks())).into_response()
}
