//! Serving an `engine` model: plain calls, streams with previews, and realtime sessions.

mod answer;
mod call;
mod files;
mod realtime;
mod stream;
mod work;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{any, get, post},
};
use tintype_engine::Model;

use crate::serve::{Shared, frame, healthy};
use work::Work;

pub(crate) fn router(shared: Shared, model: &Arc<dyn Model>) -> Router {
    let mut routes = Router::new().route("/health", get(health));
    for path in model.paths() {
        let endpoint = Endpoint { work: Work::new(&shared, model.clone()), path: path.clone().into() };
        let [called, streamed, joined] = [endpoint.clone(), endpoint.clone(), endpoint];
        let root = if path.is_empty() { "/" } else { &path };
        routes = routes
            .route(root, post(async move |caller, input| call::call(called, caller, input).await))
            .route(
                &format!("{path}/stream"),
                post(async move |caller, input| stream::stream(streamed, caller, input).await),
            )
            .route(
                &format!("{path}/realtime"),
                any(async move |buffering, caller, upgrade| realtime::join(&joined, buffering, caller, upgrade)),
            );
    }
    frame(routes, shared)
}

/// A path of the model, and what serves it.
#[derive(Clone)]
struct Endpoint {
    work: Work,
    path: Arc<str>,
}

async fn health(State(shared): State<Shared>) -> axum::response::Response {
    healthy(&shared)
}
