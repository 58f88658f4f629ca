//! The data folder belongs to one server at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

const LOCK_NAME: &str = "tintype.lock";

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("the data folder {} is in use by {owner}: stop it, or choose another folder with --data", folder.display())]
    InUse { folder: PathBuf, owner: Owner },
    #[error("cannot write in the data folder {}", folder.display())]
    Unusable { folder: PathBuf, source: io::Error },
}

/// Who holds a folder, as far as its lock file tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Owner(Option<u32>);

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "another server (process {pid})"),
            None => write!(f, "another server"),
        }
    }
}

/// Held for as long as the store is open. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(super) fn take(folder: &Path) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let path = folder.join(LOCK_NAME);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FolderError::InUse { folder: folder.to_owned(), owner: Owner(read_pid(&mut file)) });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        // The number is for people only; on a full disk the lock holds without it.
        let _ = write_pid(&mut file);
        Ok(Self { _file: file })
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_server_on_a_folder_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let held = FolderLock::take(folder.path()).unwrap();
        let error = FolderLock::take(folder.path()).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("another server (process {})", std::process::id())), "{message}");
        assert!(message.contains("--data"), "{message}");
        drop(held);
        FolderLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = FolderLock::take(&file.path().join("data")).unwrap_err();
        assert!(error.to_string().contains(file.path().to_str().unwrap()));
    }
}
