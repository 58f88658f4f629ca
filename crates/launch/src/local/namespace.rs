//! Entering the namespaces of a runner from outside.
//!
//! bubblewrap makes two user namespaces, one in the other: the outer owns the network, the mounts and the processes,
//! the inner is where the command runs. Whoever made the outer may enter it, and has the right to enter the rest from
//! there; the inner comes last and takes all rights away again.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, FromRawFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixStream as Pair},
    },
    path::Path,
    process::Stdio,
};

use rustix::{
    io::Errno,
    ioctl::{Ioctl, IoctlOutput, Opcode, opcode},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    },
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use tokio::process::Command as Process;

/// For the descriptors of one message.
const ROOM: usize = 64;

/// bubblewrap makes two; more would not be its work.
const DEEPEST: usize = 8;

/// Open doors. Made before a fork, used after it.
#[derive(Debug)]
pub(super) struct Namespaces {
    outer: OwnedFd,
    inner: OwnedFd,
    network: OwnedFd,
    rest: Vec<(OwnedFd, LinkNameSpaceType)>,
}

impl Namespaces {
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let open = |name: &str| File::open(format!("/proc/{pid}/ns/{name}")).map(OwnedFd::from);
        let inner = open("user")?;
        let kinds = [
            ("ipc", LinkNameSpaceType::InterProcessCommunication),
            ("uts", LinkNameSpaceType::HostNameAndNISDomainName),
            ("pid", LinkNameSpaceType::ProcessID),
            ("mnt", LinkNameSpaceType::Mount),
        ];
        let rest = kinds.into_iter().map(|(name, kind)| Ok((open(name)?, kind))).collect::<io::Result<_>>()?;
        Ok(Self { outer: outermost(inner.try_clone()?)?, inner, network: open("net")?, rest })
    }

    /// For the network alone. In a forked child: allocates nothing.
    pub(super) fn enter_network(&self) -> io::Result<()> {
        enter(&self.outer, LinkNameSpaceType::User)?;
        enter(&self.network, LinkNameSpaceType::Network)
    }

    /// All of them; processes that are started from here on are inside, this one stays outside of the list of
    /// processes. In a forked child: allocates nothing.
    pub(super) fn enter(&self) -> io::Result<()> {
        self.enter_network()?;
        for (door, kind) in &self.rest {
            enter(door, *kind)?;
        }
        enter(&self.inner, LinkNameSpaceType::User)
    }
}

/// What `make` makes in the network of the process `pid`. A child enters it, makes them, hands them back and is gone
/// before it would run a program.
///
/// `make` runs between a fork and the end of the child: system calls alone, no allocation, no lock.
#[expect(unsafe_code, reason = "only a process with one thread can enter a user namespace")]
pub(super) fn made_within<const N: usize>(
    pid: u32,
    make: impl Fn() -> io::Result<[OwnedFd; N]> + Send + Sync + 'static,
) -> io::Result<[OwnedFd; N]> {
    let namespaces = Namespaces::of(pid)?;
    let (ours, theirs) = Pair::pair()?;
    let mut child = Process::new("/nonexistent");
    child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: the closure runs in the forked child. It makes system calls on descriptors and values that were made
    // before the fork or lie on its stack, allocates nothing and takes no lock; `make` promises the same.
    unsafe {
        child.pre_exec(move || {
            namespaces.enter_network()?;
            give(&theirs, &make()?)?;
            Err(Errno::CANCELED.into())
        });
    }
    match child.spawn() {
        Err(error) if error.raw_os_error() == Some(Errno::CANCELED.raw_os_error()) => take(&ours),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other("a child that should have ended began")),
    }
}

fn give<const N: usize>(to: &Pair, made: &[OwnedFd; N]) -> io::Result<()> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut message = SendAncillaryBuffer::new(&mut room);
    let fds = made.each_ref().map(AsFd::as_fd);
    message.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(to, &[IoSlice::new(b"1")], &mut message, SendFlags::empty())?;
    Ok(())
}

fn take<const N: usize>(from: &Pair) -> io::Result<[OwnedFd; N]> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut message = RecvAncillaryBuffer::new(&mut room);
    let mut byte = [0];
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut message, RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT)?;
    let fds = message.drain().filter_map(|part| match part {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fds: Vec<_> = fds.flatten().collect();
    fds.try_into().map_err(|_| io::Error::other("the child did not bring what it should have made"))
}

fn enter(door: &OwnedFd, kind: LinkNameSpaceType) -> io::Result<()> {
    Ok(move_into_link_name_space(door.as_fd(), Some(kind))?)
}

/// The user namespace just below our own.
fn outermost(mut namespace: OwnedFd) -> io::Result<OwnedFd> {
    let own = std::fs::metadata(Path::new("/proc/self/ns/user"))?.ino();
    for _ in 0..DEEPEST {
        let parent = parent(&namespace)?;
        if File::from(parent.try_clone()?).metadata()?.ino() == own {
            return Ok(namespace);
        }
        namespace = parent;
    }
    Err(io::Error::other("the runner's namespaces are not those that were made for it"))
}

struct Parent;

#[expect(unsafe_code, reason = "rustix has no wrapper for this question")]
fn parent(namespace: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: `NS_GET_PARENT` takes no argument, and answers with a new descriptor that nobody else holds.
    Ok(unsafe { rustix::ioctl::ioctl(namespace, Parent) }?)
}

#[expect(unsafe_code, reason = "rustix has no wrapper for this question")]
// SAFETY: the kernel reads and writes no memory for `NS_GET_PARENT`; what it returns is an open descriptor.
unsafe impl Ioctl for Parent {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::none(0xb7, 2)
    }

    fn as_ptr(&mut self) -> *mut rustix::ffi::c_void {
        std::ptr::null_mut()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut rustix::ffi::c_void) -> rustix::io::Result<OwnedFd> {
        // SAFETY: a call that succeeded returned a new descriptor.
        Ok(unsafe { OwnedFd::from_raw_fd(out) })
    }
}
