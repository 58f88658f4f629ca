//! The way out for runners with the policy `internet`.
//!
//! A listener is made *inside* the runner's network, by a child of ours that enters it for a moment; the listener
//! comes back over a socket and belongs to this process from then on. So nothing has to run inside, whatever
//! language the app is written in, and what it sends to its proxy arrives here and goes on to the server's.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{Ipv4Addr, SocketAddrV4},
    os::{fd::OwnedFd, unix::net::UnixStream as Pair},
    path::PathBuf,
    process::Stdio,
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, SocketFlags, SocketType, bind, listen, recvmsg, sendmsg, socket_with, sockopt,
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixStream},
    process::Command as Process,
    task::JoinSet,
};

use super::{namespace::Namespaces, sandbox::EGRESS, spawn::Spawner};

const BACKLOG: i32 = 128;
/// Connections of one runner at a time; more wait in the kernel.
const MOST: usize = 512;
const ROOM: usize = 64;

/// Listens at [`EGRESS`] in the network of the process.
pub(super) async fn listen_inside(spawner: &Spawner, pid: u32) -> io::Result<TcpListener> {
    let listener = spawner.run(move || make(pid)).await??;
    let listener = std::net::TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Carries connections to the proxy until dropped.
pub(super) async fn carry(listener: TcpListener, proxy: PathBuf) {
    let mut open = JoinSet::new();
    loop {
        while open.len() >= MOST {
            open.join_next().await;
        }
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((near, _)) => _ = open.spawn(join(near, proxy.clone())),
            // The network is gone with its runner, or this process is short of descriptors.
            Err(error) => {
                tracing::debug!(%error, "a runner's way out is closed");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn join(mut near: TcpStream, proxy: PathBuf) {
    let _ = near.set_nodelay(true);
    if let Ok(mut far) = UnixStream::connect(proxy).await {
        // Either side may hang up at any time.
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

/// A child enters the network, makes the listener, hands it back and is gone before it would run a program.
#[expect(unsafe_code, reason = "only a process with one thread can enter a user namespace")]
fn make(pid: u32) -> io::Result<OwnedFd> {
    let namespaces = Namespaces::of(pid)?;
    let (ours, theirs) = Pair::pair()?;
    let EgressAddress(address) = EgressAddress::parse();
    let mut child = Process::new("/nonexistent");
    child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: the closure runs in the forked child. It makes system calls on descriptors and values that were made
    // before the fork, allocates nothing and takes no lock.
    unsafe {
        child.pre_exec(move || {
            namespaces.enter_network()?;
            let listener = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            sockopt::set_socket_reuseaddr(&listener, true)?;
            bind(&listener, &address)?;
            listen(&listener, BACKLOG)?;
            give(&theirs, &listener)?;
            Err(Errno::CANCELED.into())
        });
    }
    match child.spawn() {
        Err(error) if error.raw_os_error() == Some(Errno::CANCELED.raw_os_error()) => take(&ours),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other("a helper that should have ended began")),
    }
}

struct EgressAddress(SocketAddrV4);

impl EgressAddress {
    fn parse() -> Self {
        Self(EGRESS.parse().unwrap_or_else(|_| SocketAddrV4::new(Ipv4Addr::LOCALHOST, 3128)))
    }
}

fn give(to: &Pair, what: &OwnedFd) -> io::Result<()> {
    use std::os::fd::AsFd;
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
    fds.flatten().next().ok_or_else(|| io::Error::other("the helper brought no listener"))
}
