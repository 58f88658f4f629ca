//! Removing a folder with all that it holds, without following any link.

use std::{
    ffi::OsStr,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags},
    io::Errno,
};

use super::{Place, TreeError};

/// Each level costs an open descriptor.
const MAX_DEPTH: u32 = 400;

pub(super) fn remove(folder: &impl AsFd, name: &OsStr, place: &Place) -> Result<(), TreeError> {
    match below(folder, name, 0) {
        Ok(()) => Ok(()),
        Err(Failure::TooDeep) => Err(TreeError::TooDeep { place: place.to_string() }),
        Err(Failure::Errno(errno)) => Err(TreeError::of(place, errno)),
    }
}

enum Failure {
    TooDeep,
    Errno(Errno),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

fn below(folder: &impl AsFd, name: &OsStr, depth: u32) -> Result<(), Failure> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    if depth == MAX_DEPTH {
        return Err(Failure::TooDeep);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner: OwnedFd = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    for found in Dir::read_from(&inner)? {
        let found = found?;
        let held = std::os::unix::ffi::OsStrExt::from_bytes(found.file_name().to_bytes());
        if held != OsStr::new(".") && held != OsStr::new("..") {
            match below(&inner, held, depth + 1) {
                // An app may be removing the same.
                Ok(()) | Err(Failure::Errno(Errno::NOENT)) => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}
