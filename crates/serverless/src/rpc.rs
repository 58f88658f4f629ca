//! The gRPC half of the deployment API: one file for each call.

mod service;

use axum::Router;

use crate::{Serverless, api::controller::isolate_controller_server::IsolateControllerServer};

/// Largest message that is read: a pickled function with whatever its closure holds.
const MAX_MESSAGE: usize = 256 << 20;

pub(crate) fn routes(serverless: Serverless) -> Router {
    let service = service::Controller(serverless);
    let server = IsolateControllerServer::new(service).max_decoding_message_size(MAX_MESSAGE);
    Router::new().route_service("/controller.IsolateController/{*call}", server)
}
