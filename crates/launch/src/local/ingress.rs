//! The way in to a runner that serves on a port of its own network.
//!
//! Such a program knows nothing of the socket on which runners are reached, so the socket is made here, and what comes
//! to it goes on to the port. It is made when the port first takes a connection: until then the runner is not ready.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{Ipv4Addr, SocketAddr},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream as Pair,
    },
    path::PathBuf,
    process::Stdio,
    sync::Weak,
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, SocketFlags, SocketType, connect, recvmsg, sendmsg, socket_with,
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener, UnixStream},
    process::Command as Process,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{namespace::Namespaces, spawn::Spawner};

/// Between two tries until the port is open.
const PACE: Duration = Duration::from_millis(100);
/// For one connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections of one runner at a time; more wait in the kernel.
const MOST: usize = 512;
const ROOM: usize = 64;

/// Carries what comes to `socket` to `port` in the network of the process `pid`, until dropped.
pub(super) async fn carry(spawner: Weak<Spawner>, pid: u32, port: u16, socket: PathBuf) {
    while reach(&spawner, pid, port).await.is_err() {
        sleep(PACE).await;
    }
    let listener = match UnixListener::bind(&socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "could not make the way in to a runner"),
    };
    let mut open = JoinSet::new();
    loop {
        while open.len() >= MOST {
            open.join_next().await;
        }
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((near, _)) => _ = open.spawn(join(near, spawner.clone(), pid, port)),
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

/// A child enters the network, begins to connect, hands the connection back and is gone before it would run a program.
#[expect(unsafe_code, reason = "only a process with one thread can enter a user namespace")]
fn make(pid: u32, port: u16) -> io::Result<OwnedFd> {
    let namespaces = Namespaces::of(pid)?;
    let (ours, theirs) = Pair::pair()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut child = Process::new("/nonexistent");
    child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: the closure runs in the forked child. It makes system calls on descriptors and values that were made
    // before the fork or lie on its stack, allocates nothing and takes no lock.
    unsafe {
        child.pre_exec(move || {
            namespaces.enter_network()?;
            let flags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);
            let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
            match connect(&socket, &address) {
                Ok(()) | Err(Errno::INPROGRESS) => {}
                Err(refused) => return Err(refused.into()),
            }
            give(&theirs, &socket)?;
            Err(Errno::CANCELED.into())
        });
    }
    match child.spawn() {
        Err(error) if error.raw_os_error() == Some(Errno::CANCELED.raw_os_error()) => take(&ours),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other("a helper that should have ended began")),
    }
}

fn give(to: &Pair, what: &OwnedFd) -> io::Result<()> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut message = SendAncillaryBuffer::new(&mut room);
    let fds = [what.as_fd()];
    message.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(to, &[IoSlice::new(b"1")], &mut message, SendFlags::empty())?;
    Ok(())
}

fn take(from: &Pair) -> io::Result<OwnedFd> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut message = RecvAncillaryBuffer::new(&mut room);
    let mut byte = [0];
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut message, RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT)?;
    let fds = message.drain().filter_map(|part| match part {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    fds.flatten().next().ok_or_else(|| io::Error::other("the helper brought no connection"))
}
