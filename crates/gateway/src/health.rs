//! Whether the server lives, whether it can take work, and what it is.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use crate::{Error, Gateway, error::json_response};

/// It answers, so it lives.
pub(crate) fn health() -> Response {
    json_response(StatusCode::OK, &json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// It can take work: the store answers and nobody told it to stop.
pub(crate) async fn ready(gateway: &Gateway) -> Result<Response, Error> {
    if gateway.stop.is_cancelled() {
        return Err(Error::Unavailable { detail: "the server is being stopped and accepts no new requests".into() });
    }
    gateway.store.ping().await?;
    let apps = gateway.dispatch.apps();
    Ok(json_response(StatusCode::OK, &json!({"status": "ready", "apps": apps})))
}

/// The root of its own name, for whoever opens it in a browser or with curl.
pub(crate) fn home(base: &str) -> Response {
    let body = json!({
        "name": "tintype",
        "version": env!("CARGO_PKG_VERSION"),
        "run": format!("{base}/{{endpoint}}"),
        "queue": format!("{base}/queue/{{endpoint}}"),
        "models": format!("{base}/v1/models"),
        "gallery": format!("{base}/models"),
        "health": format!("{base}/health"),
    });
    json_response(StatusCode::OK, &body)
}
