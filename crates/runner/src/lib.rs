//! The native runner process: serves an in-process model over the runner contract.
//!
//! HTTP/1.1 on a Unix socket or a port: `POST /{path}` with JSON, server-sent events from `/stream`,
//! MessagePack over a WebSocket at `/realtime`, `POST {path}/cancel` with `x-fal-request-id`, `GET /health`.
//! SIGTERM drains. Files come and go through the platform's socket; nothing else is ever dialled.

mod caller;
mod calls;
mod events;
mod input;
mod log;
mod models;
mod native;
mod noop;
mod options;
mod platform;
mod problem;
mod realtime;
mod scratch;
mod serve;
mod session;

pub use options::{Listen, Options};
pub use serve::{RunError, run, run_until};
