//! The way out for runners with the policy `internet`.
//!
//! A runner has a network of its own, in which nothing but this process listens: a child of ours enters it for a
//! moment, makes the listeners, and hands them back over a socket. So nothing has to run inside, whatever language
//! the app is written in.
//!
//! Programs that know of proxies are told of one ([`EGRESS`]). For the others, and some libraries ignore proxies on
//! purpose, every address of the world is declared local there: what they send to a web port arrives here, with the
//! address that they meant, and names are answered by the proxy too. Other ports answer nothing.

mod carry;
mod listen;
mod names;

use std::{io, net::SocketAddr, path::PathBuf};

use tokio::net::{TcpListener, UdpSocket};

use super::{sandbox::EGRESS, spawn::Spawner};

/// What listens in one runner's network.
#[derive(Debug)]
pub(super) struct Ways {
    proxy: TcpListener,
    web: [TcpListener; 2],
    names: UdpSocket,
}

/// Listens in the network of the process `pid`.
pub(super) async fn listen_inside(spawner: &Spawner, pid: u32) -> io::Result<Ways> {
    let proxy: SocketAddr = EGRESS.parse().map_err(io::Error::other)?;
    let [proxy, plain, secure, names] = spawner.run(move || listen::make(pid, proxy)).await??;
    let listener = |fd| {
        let listener = std::net::TcpListener::from(fd);
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let socket = std::net::UdpSocket::from(names);
    socket.set_nonblocking(true)?;
    Ok(Ways {
        proxy: listener(proxy)?,
        web: [listener(plain)?, listener(secure)?],
        names: UdpSocket::from_std(socket)?,
    })
}

/// Carries what comes to the proxy of the server, at the socket `proxy`, until dropped.
pub(super) async fn carry(ways: Ways, proxy: PathBuf) {
    let Ways { proxy: told, web: [plain, secure], names } = ways;
    tokio::join!(
        carry::accept(told, &proxy, carry::Kind::Told),
        carry::accept(plain, &proxy, carry::Kind::Untold),
        carry::accept(secure, &proxy, carry::Kind::Untold),
        names::answer(names, &proxy),
    );
}
