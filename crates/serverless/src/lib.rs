//! Users' own apps: the deployment API that the `fal` command line speaks, and all that stands behind it.
//!
//! gRPC ([`api`]) and REST come in by one [`routes`]; what they change lies in the store and runs in dispatch. Nothing
//! of a user's pickle is ever loaded here: payloads are bytes that a runner reads.

pub mod api;
mod deploy;
pub mod environment;
mod launching;
mod rest;
mod rpc;
mod serverless;
pub mod volume;

use axum::Router;

pub use crate::{
    launching::{Starter, StarterParts, Walls},
    rest::{AppFiles, MaterializeError},
    serverless::{Host, Options, Parts, Serverless},
};

/// The deployment surface: gRPC and REST together.
pub fn routes(serverless: Serverless) -> Router {
    rpc::routes(serverless.clone()).merge(rest::routes(serverless))
}
