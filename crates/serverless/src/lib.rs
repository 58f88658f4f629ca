//! Users' own apps: the deployment API that the `fal` command line speaks, and all that stands behind it.
//!
//! gRPC ([`api`]) and REST come in by one [`routes`]; what they change lies in the store and runs in dispatch. Nothing
//! of a user's pickle is ever loaded here: payloads are bytes that a runner reads.

pub mod api;
pub mod environment;
mod rest;
mod rpc;
mod serverless;
mod uploader;
mod volume;

use axum::Router;

pub use crate::{
    rest::AppFiles,
    serverless::{Options, Parts, Serverless},
    uploader::uploader_routes,
};

/// The deployment surface: gRPC and REST together.
pub fn routes(serverless: Serverless) -> Router {
    rpc::routes(serverless.clone()).merge(rest::routes(serverless))
}
