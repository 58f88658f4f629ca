//! Files and folders of a volume, reached through its open root.

use std::{fs::File, io, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags},
    io::Errno,
};
use tintype_domain::Timestamp;

use super::{Place, remove};

const FOLDER: Mode = Mode::from_raw_mode(0o755);
/// A path that changes while the kernel resolves it is tried again.
const TRIES: u32 = 16;

pub(crate) struct Tree {
    root: OwnedFd,
}

/// What a folder holds, as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub name: String,
    pub size: u64,
    pub is_file: bool,
    pub updated: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeError {
    #[error("`{place}` was not found")]
    Missing { place: String },
    #[error("`{place}` is not a file")]
    NotFile { place: String },
    #[error("`{place}` is not a folder")]
    NotFolder { place: String },
    #[error("`{place}` is a folder: a file cannot take its place")]
    IsFolder { place: String },
    #[error("`/data` itself stays where it is: name something in it")]
    Root,
    #[error("`{place}` is nested too deeply to be removed at once")]
    TooDeep { place: String },
    #[error("`{place}` could not be read or written: {source}")]
    Io { place: String, source: io::Error },
}

impl TreeError {
    pub(super) fn of(place: &Place, errno: Errno) -> Self {
        let place = place.to_string();
        match errno {
            // A link that leads out of the volume leads nowhere.
            Errno::NOENT | Errno::XDEV | Errno::LOOP => Self::Missing { place },
            Errno::NOTDIR => Self::NotFolder { place },
            Errno::ISDIR => Self::IsFolder { place },
            other => Self::Io { place, source: other.into() },
        }
    }
}

impl Tree {
    /// Opens the volume, and makes it where it is not yet.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::openat(CWD, folder, flags, Mode::empty())? })
    }

    /// What lies in a folder, by name.
    pub(crate) fn list(&self, place: &Place) -> Result<Vec<Entry>, TreeError> {
        let failed = |errno| TreeError::of(place, errno);
        let folder = self.at(place, OFlags::RDONLY | OFlags::DIRECTORY).map_err(failed)?;
        let mut entries = Vec::new();
        for found in Dir::read_from(&folder).map_err(failed)? {
            let found = found.map_err(failed)?;
            let name = found.file_name().to_string_lossy().into_owned();
            if !matches!(name.as_str(), "." | "..") {
                entries.extend(self.entry(place, name));
            }
        }
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    /// What stands at `place`, as its folder would list it.
    pub(crate) fn find(&self, place: &Place) -> Option<Entry> {
        let (folder, name) = place.split()?;
        self.entry(&folder, name.to_owned())
    }

    /// `None`: it went away meanwhile, or is a link to nowhere.
    fn entry(&self, folder: &Place, name: String) -> Option<Entry> {
        let at = self.at(&folder.join(&name), OFlags::PATH).ok()?;
        let stat = rustix::fs::fstat(at).ok()?;
        let is_file = FileType::from_raw_mode(stat.st_mode) != FileType::Directory;
        let micros =
            stat.st_mtime.saturating_mul(1_000_000).saturating_add(i64::try_from(stat.st_mtime_nsec).ok()? / 1000);
        let size = if is_file { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
        Some(Entry { name, size, is_file, updated: Timestamp::from_micros(micros) })
    }

    /// A file to read, and its size.
    pub(crate) fn read(&self, place: &Place) -> Result<(File, u64), TreeError> {
        // A pipe must not make the reader wait for a writer.
        let file = self.at(place, OFlags::RDONLY | OFlags::NONBLOCK).map_err(|errno| TreeError::of(place, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| TreeError::of(place, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(TreeError::NotFile { place: place.to_string() });
        }
        Ok((file.into(), u64::try_from(stat.st_size).unwrap_or(0)))
    }

    /// A file that will stand at `place` once it is [kept](Draft::keep). Folders on the way are made.
    pub(crate) fn draft(&self, place: &Place) -> Result<Draft, TreeError> {
        let (folder, name) = place.split().ok_or(TreeError::Root)?;
        let folder = self.make_folder(&folder)?;
        let beside = format!(".upload-{}", tintype_blob::new_id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, &beside, flags, Mode::from_raw_mode(0o644));
        let file = file.map_err(|errno| TreeError::of(place, errno))?;
        Ok(Draft { file: file.into(), folder, beside, name: name.to_owned(), place: place.clone(), kept: false })
    }

    /// The folder, with all on the way to it.
    pub(crate) fn make_folder(&self, place: &Place) -> Result<OwnedFd, TreeError> {
        let open = |place: &Place| self.at(place, OFlags::RDONLY | OFlags::DIRECTORY);
        let mut at = open(&Place::parse("").map_err(|_| TreeError::Root)?);
        for step in place.steps() {
            let Some((_, name)) = step.split() else { continue };
            let above = at.map_err(|errno| TreeError::of(&step, errno))?;
            at = match open(&step) {
                Err(Errno::NOENT) => match rustix::fs::mkdirat(&above, name, FOLDER) {
                    Ok(()) | Err(Errno::EXIST) => open(&step),
                    Err(errno) => Err(errno),
                },
                other => other,
            };
        }
        at.map_err(|errno| TreeError::of(place, errno))
    }

    pub(crate) fn remove(&self, place: &Place) -> Result<(), TreeError> {
        let (folder, name) = place.split().ok_or(TreeError::Root)?;
        let failed = |errno| TreeError::of(place, errno);
        let folder = self.at(&folder, OFlags::RDONLY | OFlags::DIRECTORY).map_err(failed)?;
        remove::remove(&folder, name.as_ref(), place)
    }

    pub(crate) fn rename(&self, from: &Place, to: &Place) -> Result<(), TreeError> {
        let (from_folder, from_name) = from.split().ok_or(TreeError::Root)?;
        let (to_folder, to_name) = to.split().ok_or(TreeError::Root)?;
        let source = self.at(&from_folder, OFlags::RDONLY | OFlags::DIRECTORY);
        let source = source.map_err(|errno| TreeError::of(from, errno))?;
        rustix::fs::statat(&source, from_name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| TreeError::of(from, errno))?;
        let target = self.make_folder(&to_folder)?;
        rustix::fs::renameat(&source, from_name, &target, to_name).map_err(|errno| TreeError::of(to, errno))
    }

    fn at(&self, place: &Place, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let path = place.to_path();
        for _ in 0..TRIES {
            match rustix::fs::openat2(&self.root, &path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                // A kernel that cannot do it: then without any links.
                Err(Errno::NOSYS) => return self.walk(place, flags),
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    fn walk(&self, place: &Place, flags: OFlags) -> Result<OwnedFd, Errno> {
        let step = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Some((folder, name)) = place.split() else {
            return rustix::fs::openat(&self.root, ".", flags | OFlags::CLOEXEC, Mode::empty());
        };
        let mut at = rustix::fs::openat(&self.root, ".", step, Mode::empty())?;
        for above in folder.steps() {
            let Some((_, name)) = above.split() else { continue };
            at = rustix::fs::openat(&at, name, step | OFlags::DIRECTORY, Mode::empty())?;
        }
        rustix::fs::openat(&at, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
    }
}

/// A file that is being written beside its place. Dropped, it leaves nothing.
pub(crate) struct Draft {
    pub file: File,
    folder: OwnedFd,
    beside: String,
    name: String,
    place: Place,
    kept: bool,
}

impl Draft {
    /// What was written so far, to be read while the draft still stands.
    pub(crate) fn reopen(&self) -> Result<File, TreeError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, &self.beside, flags, Mode::empty());
        Ok(file.map_err(|errno| TreeError::of(&self.place, errno))?.into())
    }

    /// Flushes it and puts it into its place, in one step for whoever looks there.
    pub(crate) fn keep(mut self) -> Result<(), TreeError> {
        let place = self.place.clone();
        self.file.sync_all().map_err(|source| TreeError::Io { place: place.to_string(), source })?;
        let kept = rustix::fs::renameat(&self.folder, &self.beside, &self.folder, &self.name);
        kept.map_err(|errno| TreeError::of(&place, errno))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            let _ = rustix::fs::unlinkat(&self.folder, &self.beside, AtFlags::empty());
        }
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
