//! The private files of one runner: made before it starts, measured while it runs, removed after it.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::bring::bring;
use crate::Copy;

/// A file counts as so much at least: names take room too.
const SMALLEST: u64 = 4096;

/// Removes the folders when dropped.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::local) struct Scratch {
    root: PathBuf,
    pub(super) tmp: PathBuf,
    pub(super) copies: Vec<PathBuf>,
    pub(super) run: PathBuf,
}

impl Scratch {
    /// `run` holds the socket; its path must be short, so it lies elsewhere.
    pub(in crate::local) fn make(root: PathBuf, run: PathBuf, copies: &[Copy]) -> io::Result<Self> {
        // What a server that died left there under the same name is nobody's.
        remove(&root);
        remove(&run);
        let tmp = root.join("tmp");
        let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        private(&root)?;
        private(&run)?;
        let mut scratch = Self { root, tmp, copies: Vec::new(), run };
        private(&scratch.tmp.join("home"))?;
        for (number, wanted) in copies.iter().enumerate() {
            let to = scratch.root.join(number.to_string());
            copy(&wanted.from, &to).map_err(|error| at(&wanted.from, &error))?;
            scratch.copies.push(to);
        }
        Ok(scratch)
    }

    pub(in crate::local) fn root(&self) -> &Path {
        &self.root
    }

    pub(in crate::local) fn run(&self) -> &Path {
        &self.run
    }

    /// Brings something into the private copy with this number while its owner may be at work there.
    pub(in crate::local) fn bring(&self, copy: usize, name: &Path, from: &Path) -> io::Result<()> {
        let folder = self.copies.get(copy).ok_or(io::ErrorKind::NotFound)?;
        bring(folder, name, from).map_err(|error| at(from, &error))
    }

    /// What is left on the disk, for everybody.
    pub(in crate::local) fn free(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.root).ok()?;
        Some(disk.f_bavail * disk.f_frsize)
    }

    /// Bytes on disk, or more than `limit` as soon as that is certain.
    pub(in crate::local) fn measure(&self, limit: u64) -> u64 {
        let mut total = 0;
        let mut open = vec![self.root.clone(), self.run.clone()];
        while let Some(folder) = open.pop() {
            // What vanishes while it is measured takes no room.
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(found) = entry.metadata() else { continue };
                total += (found.blocks() * 512).max(SMALLEST);
                if total > limit {
                    return total;
                }
                if found.is_dir() {
                    open.push(entry.path());
                }
            }
        }
        total
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.root);
        remove(&self.run);
    }
}

/// Removes a folder whatever modes its former owner set.
pub(in crate::local) fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock(folder);
            if let Err(error) = fs::remove_dir_all(folder) {
                tracing::warn!(%error, "could not remove a runner's private files in {}", folder.display());
            }
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "could not remove a runner's private files in {}", folder.display());
        }
        _ => {}
    }
}

fn unlock(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock(&entry.path());
        }
    }
}

/// Copies a tree. Links are copied as links: they are followed inside, where they cannot lead out.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&from, &to)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
        } else if kind.is_file() {
            fs::copy(&from, &to)?;
            let mode = fs::metadata(&from)?.permissions().mode();
            // The store keeps files read-only; a private copy is the runner's own.
            fs::set_permissions(&to, Permissions::from_mode(mode | 0o600))?;
        }
    }
    Ok(())
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not copy {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_private_measured_and_gone_with_its_runner() {
        let dir = tempfile::tempdir().unwrap();
        let app = dir.path().join("app");
        fs::create_dir_all(app.join("deep")).unwrap();
        fs::write(app.join("deep/file"), [7; 10_000]).unwrap();
        fs::set_permissions(app.join("deep/file"), Permissions::from_mode(0o444)).unwrap();
        symlink("/etc/shadow", app.join("link")).unwrap();
        let root = dir.path().join("scratch");
        let copies = [Copy { from: app.clone(), to: "/app".into() }];
        let scratch = Scratch::make(root.clone(), dir.path().join("run"), &copies).unwrap();
        fs::write(scratch.copies[0].join("deep/file"), "changed").unwrap();
        assert_eq!(fs::read(app.join("deep/file")).unwrap(), [7; 10_000]);
        assert!(fs::symlink_metadata(scratch.copies[0].join("link")).unwrap().is_symlink());
        assert!(scratch.measure(u64::MAX) >= 3 * SMALLEST);
        assert!(scratch.measure(SMALLEST) > SMALLEST);
        drop(scratch);
        assert!(!root.exists() && app.exists());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let copies = [Copy { from: "/no/such/app".into(), to: "/app".into() }];
        let error = Scratch::make(dir.path().join("s"), dir.path().join("r"), &copies).unwrap_err();
        assert!(error.to_string().starts_with("could not copy /no/such/app"), "{error}");
        assert!(!dir.path().join("s").exists());
    }
}
