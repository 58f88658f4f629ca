//! How a request reached the server.

use std::net::SocketAddr;

/// Put into each request's extensions by whoever accepted the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `http` or `https`.
    pub scheme: &'static str,
    pub peer: SocketAddr,
}
