//! The client API: routes, storage, streaming, realtime and the proxy route.
//!
//! A request is placed by its host and path ([`router`]), its caller is proved, its endpoint is found, and
//! then it is handed to dispatch or answered from the store. This crate owns the wording of everything that
//! a caller sees, the errors included; it decides nothing about order, slots or retries.

mod caller;
mod connection;
mod cors;
mod error;
mod front;
mod gateway;
mod health;
mod options;
mod origin;
mod place;
mod platform;
mod random;
mod storage;
mod tokens;
mod webhooks;

pub use connection::Connection;
pub use error::Error;
pub use front::{router, runner_router};
pub use gateway::{Gateway, Parts};
pub use options::Options;
pub use webhooks::{WebhookKeys, Webhooks};
