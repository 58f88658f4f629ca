//! The composition root: options, the port, start-up and shutdown.
//!
//! Everything below this crate is a part that knows nothing of the process it runs in; here the parts are given
//! their folders, secrets and sockets, and are stopped in order. [`Server::start`] is the whole of it.

mod apps;
mod assembly;
mod deployment;
mod key;
mod limits;
mod listen;
pub mod logging;
pub mod notice;
pub mod options;
pub mod paths;
mod port;
mod secrets;
mod server;
mod shelf;
mod tls;

pub use options::{Options, OptionsError};
pub use server::{Server, Surroundings};
pub use tintype_domain::SystemClock;
pub use tintype_outbound::Reach;
