//! What addresses of this server begin with, as one caller sees it. No base ends with a slash.

/// Travels with a request to the routers that mint addresses of apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bases {
    /// Addresses of the server's own routes and pages: `http://localhost:8700`.
    pub own: String,
    /// Direct calls: `{run}/{owner}/{alias}`.
    pub run: String,
    /// The queue: `{queue}/{owner}/{alias}`.
    pub queue: String,
    /// HTTP over a WebSocket.
    pub ws: String,
}
