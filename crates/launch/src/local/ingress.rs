//! The way in to a runner that serves on a port of its own network.
//!
//! Such a program knows nothing of the socket on which runners are reached, so the socket is made here, and what comes
//! to it goes on to the port. It is made when the port first takes a connection: until then the runner is not ready.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Weak,
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, connect, socket_with},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener, UnixStream},
    time::{sleep, timeout},
};

use super::{crowd::Crowd, namespace::made_within, spawn::Spawner};

/// Between two tries until the port is open.
const PACE: Duration = Duration::from_millis(100);
/// For one connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Carries what comes to `socket` to `port` in the network of the process `pid`, until dropped.
pub(super) async fn carry(spawner: Weak<Spawner>, pid: u32, port: u16, socket: PathBuf) {
    while reach(&spawner, pid, port).await.is_err() {
        sleep(PACE).await;
    }
    // That of an earlier server, whose runner this was.
    let _ = std::fs::remove_file(&socket);
    let listener = match UnixListener::bind(&socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "could not make the way in to a runner"),
    };
    let mut open = Crowd::default();
    loop {
        open.room().await;
        match listener.accept().await {
            Ok((near, _)) => open.admit(join(near, spawner.clone(), pid, port)),
            Err(_) => sleep(PACE).await,
        }
    }
}

async fn join(mut near: UnixStream, spawner: Weak<Spawner>, pid: u32, port: u16) {
    if let Ok(mut far) = reach(&spawner, pid, port).await {
        let _ = far.set_nodelay(true);
        // Either side may hang up at any time.
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

/// Fails for good when the launcher is gone, and its runners with it.
async fn reach(spawner: &Weak<Spawner>, pid: u32, port: u16) -> io::Result<TcpStream> {
    let made = spawner.upgrade().ok_or(io::ErrorKind::BrokenPipe)?.run(move || make(pid, port)).await??;
    let stream = TcpStream::from_std(made.into())?;
    // A program that listens and accepts nobody keeps callers waiting: here, and not on the thread that starts runners.
    timeout(PATIENCE, stream.writable()).await??;
    match stream.take_error()? {
        None => Ok(stream),
        Some(error) => Err(error),
    }
}

/// A connection that is being made.
fn make(pid: u32, port: u16) -> io::Result<OwnedFd> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let [connection] = made_within(pid, move || {
        let flags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok([socket]),
            Err(refused) => Err(refused.into()),
        }
    })?;
    Ok(connection)
}
