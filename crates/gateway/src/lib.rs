//! The client API: routes, storage, streaming, realtime and the proxy route.
//!
//! A request is placed by its host and path ([`router`]), its caller is proved, its endpoint is found, and
//! then it is handed to dispatch or answered from the store. This crate owns the wording of everything that
//! a caller sees, the errors included; it decides nothing about order, slots or retries.

mod body;
mod call;
mod caller;
mod connection;
mod cors;
mod endpoint;
mod error;
mod front;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gallery;
mod gateway;
mod headers;
mod health;
mod options;
mod origin;
mod place;
mod platform;
mod playground;
mod proxy;
mod query;
mod queue;
mod random;
mod realtime;
mod room;
mod socket;
mod storage;
mod tokens;
mod webhooks;
mod worded;

pub use connection::Connection;
pub use error::Error;
pub use front::{router, runner_router, uploader_router};
pub use gateway::{Gateway, Installed, Parts};
pub use options::Options;
pub use storage::Sweeper;
pub use webhooks::{WebhookKeyError, WebhookKeys, Webhooks};
