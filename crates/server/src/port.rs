//! The one port: TLS, HTTP/1.1, HTTP/2 and `CONNECT`, told apart by their first bytes.
//!
//! A connection is read from top to bottom as layers: accepted, perhaps unwrapped from TLS, served as HTTP; a
//! `CONNECT` to a name that this server answers for begins again at the top with what comes through the tunnel.
//! Nothing here knows a route: requests go to the [`axum::Router`] that it was given.

mod accept;
mod connect;
mod egress;
mod http;
mod rewind;
mod sniff;
mod worded;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, http::uri::Authority};
pub(crate) use egress::Egress;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A byte stream of whatever kind.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// What every connection needs.
pub(crate) struct Port {
    pub(crate) router: Router,
    pub(crate) tls: TlsAcceptor,
    /// Callers from other machines must use TLS.
    pub(crate) require_tls: bool,
    /// Callers on this machine may reach other hosts through `CONNECT`.
    pub(crate) tunnel: bool,
    /// Through which other hosts are reached, if not directly.
    pub(crate) upstream_proxy: Option<Authority>,
    /// From here on no connection takes another request.
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// Where a request came from. The gateway mints links from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) peer: SocketAddr,
    pub(crate) encrypted: bool,
}

/// Accepts until stopped. Each connection ends with what it is answering then; `tasks` knows when the last has.
pub(crate) fn serve(port: &Arc<Port>, listeners: Vec<TcpListener>) {
    for listener in listeners {
        let work = accept::accept_all(Arc::clone(port), listener);
        port.tasks.spawn(port.stop.clone().run_until_cancelled_owned(work));
    }
}

/// The same for the socket of runners, which speak plain HTTP/1.1 to `router`.
pub(crate) fn serve_runners(router: Router, listener: UnixListener, stop: CancellationToken, tasks: &TaskTracker) {
    let work = accept::accept_runners(router, listener, stop.clone(), tasks.clone());
    tasks.spawn(stop.run_until_cancelled_owned(work));
}
