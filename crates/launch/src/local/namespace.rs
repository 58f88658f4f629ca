//! Entering the namespaces of a runner from outside.
//!
//! bubblewrap makes two user namespaces, one in the other: the outer owns the network, the mounts and the processes,
//! the inner is where the command runs. Whoever made the outer may enter it, and has the right to enter the rest from
//! there; the inner comes last and takes all rights away again.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, FromRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
};

use rustix::{
    ioctl::{Ioctl, IoctlOutput, Opcode, opcode},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

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
