//! TLS: which names this server answers for, its own authority, and the configuration of the port.

mod authority;
mod config;
mod names;

pub(crate) use authority::{Authority, AuthorityError};
pub(crate) use config::Certificates;
pub(crate) use names::Names;
