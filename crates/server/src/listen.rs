//! Binding the port, and what it is called from outside.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

use crate::Options;

/// Connections that the kernel holds until they are accepted: many clients begin at once.
const BACKLOG: u32 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("port {} is taken by another program: stop it, or choose another address with `--listen HOST:PORT`", .0.port())]
    InUse(SocketAddr),
    #[error("may not listen on port {}: ports below 1024 need more rights; choose another with `--listen`", .0.port())]
    Forbidden(SocketAddr),
    #[error("could not listen on {address}")]
    Other { address: SocketAddr, source: io::Error },
}

/// Binds the address; a loopback address in both families, because clients try either first. The first listener's
/// address is the one that was asked for.
pub(crate) fn bind(address: SocketAddr) -> Result<Vec<TcpListener>, ListenError> {
    let first = listen(address).map_err(|source| explain(address, source))?;
    let port = first.local_addr().map_err(|source| explain(address, source))?.port();
    let mut listeners = vec![first];
    if let Some(other) = other_loopback(address.ip()) {
        let twin = SocketAddr::new(other, port);
        match listen(twin) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(ListenError::InUse(twin)),
            // A machine without IPv6.
            Err(error) => tracing::debug!(%error, "does not listen on {twin}"),
        }
    }
    Ok(listeners)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the connections of its predecessor to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn other_loopback(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => Some(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(Ipv4Addr::LOCALHOST.into()),
        _ => None,
    }
}

fn explain(address: SocketAddr, source: io::Error) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        io::ErrorKind::PermissionDenied => ListenError::Forbidden(address),
        _ => ListenError::Other { address, source },
    }
}

/// The address that people and programs use, without a trailing slash: what the operator said, else the first own
/// name, else the address that is bound.
pub(crate) fn base_url(options: &Options, bound: SocketAddr) -> String {
    if let Some(url) = &options.public_url {
        return url.clone();
    }
    let scheme = if options.encrypted() && !bound.ip().is_loopback() { "https" } else { "http" };
    if let Some(name) = options.names.first() {
        return format!("{scheme}://{name}:{}", bound.port());
    }
    let reached = match bound.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(reached, bound.port()))
}

/// Many clients at a time need many descriptors; the usual soft limit of 1024 is there for programs of another age.
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::debug!(%error, "could not raise the limit of open files");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loopback_port_is_bound_in_both_families_and_a_second_time_refused() {
        let listeners = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap().port() == port));
        let error = bind(SocketAddr::from(([127, 0, 0, 1], port))).unwrap_err();
        assert!(error.to_string().starts_with(&format!("port {port} is taken by another program")));
    }

    #[test]
    fn the_base_address_is_what_the_operator_said_or_what_can_be_reached() {
        let mut options = Options::with_data("/d".into());
        let bound = SocketAddr::from(([0, 0, 0, 0], 8700));
        assert_eq!(base_url(&options, bound), "http://127.0.0.1:8700");
        options.require_tls = true;
        options.names = vec!["a.example".into()];
        assert_eq!(base_url(&options, bound), "https://a.example:8700");
        options.public_url = Some("https://b.example".into());
        assert_eq!(base_url(&options, bound), "https://b.example");
    }
}
