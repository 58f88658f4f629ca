//! `tintype/noop`: a diagnostic model that echoes its input, and misbehaves when the input asks it to.
//!
//! It measures what the platform itself costs, and it is how the platform's reaction to slow, failing and
//! dying runners is tested. See [`script::Script`] for what it can be asked.

mod call;
mod script;
mod sockets;
mod stream;

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{any, get, post},
};

use crate::serve::{Shared, frame, healthy};

pub(crate) fn router(shared: Shared) -> Router {
    let routes = Router::new()
        .route("/", post(call::call))
        .route("/sub", post(call::call))
        .route("/sub/deeper", post(call::call))
        .route("/stream", post(stream::stream))
        .route("/realtime", any(sockets::realtime))
        .route("/ws", any(sockets::echo))
        .route("/health", get(health));
    frame(routes, shared)
}

async fn health(State(shared): State<Shared>) -> Response {
    if call::is_hung() {
        std::future::pending::<()>().await;
    }
    healthy(&shared)
}
