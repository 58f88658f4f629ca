//! The gRPC half of the deployment API: one file for each call, or for each family of small ones.

mod aliases;
mod build_environment;
mod caller;
mod environments;
mod ephemeral;
mod info;
mod job;
mod keys;
mod register_application;
mod revisions;
mod run;
mod runners;
mod secrets;
mod service;
mod shell;
mod teller;
mod urls;

use axum::{Router, middleware};
use ring::rand::{SecureRandom, SystemRandom};

pub(crate) use self::teller::{Line, Teller};
use crate::{Serverless, api::controller::isolate_controller_server::IsolateControllerServer};

/// Largest message that is read: a pickled function with whatever its closure holds.
const MAX_MESSAGE: usize = 256 << 20;

pub(crate) fn routes(serverless: Serverless) -> Router {
    let service = service::Controller(serverless.clone());
    // What is sent may be as large: a function's value travels in one message.
    let server = IsolateControllerServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(usize::MAX);
    let proved = middleware::from_fn_with_state(serverless, caller::prove);
    Router::new().route_service("/controller.IsolateController/{*call}", server).layer(proved)
}

/// Random bits for an id.
pub(crate) fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    // A clash is then only as unlikely as two ids in one millisecond; ids are no secrets.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}
