//! The folders in which programs work, one a run.
//!
//! They lie in a folder of this process, which holds a lock on it for as long as it lives: what a killed process left is
//! known by its lock being free, and swept by the next.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

use tempfile::TempDir;

use crate::settings::settings;

/// A folder that goes with its value.
#[derive(Debug)]
pub struct Place(TempDir);

impl Place {
    pub fn make() -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("tintype-run-");
        match &settings().folder {
            Some(root) => builder.tempdir_in(own(root)?).map(Self),
            None => builder.tempdir().map(Self),
        }
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Of a file in it.
    pub fn of(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The folder of this process inside `root`, made at its first use.
fn own(root: &Path) -> io::Result<PathBuf> {
    static OWN: Mutex<Option<Own>> = Mutex::new(None);
    let mut own = OWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match &*own {
        Some(own) => Ok(own.folder.clone()),
        None => Ok(own.insert(Own::make(root)?).folder.clone()),
    }
}

/// A folder and the lock that says that somebody lives in it.
struct Own {
    folder: PathBuf,
    _lock: File,
}

/// The file whose lock tells.
const LOCK: &str = "lock";

impl Own {
    fn make(root: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        // Nobody sweeps between the making of a folder and its lock.
        let _guard = guard(root)?;
        let folder = tempfile::Builder::new().prefix("process-").tempdir_in(root)?.keep();
        let lock = open(&folder.join(LOCK))?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

fn guard(root: &Path) -> io::Result<File> {
    let file = open(&root.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

/// Removes what processes left in `root` that live no more.
pub fn sweep(root: &Path) -> io::Result<()> {
    if !root.is_dir() {
        return Ok(());
    }
    let _guard = guard(root)?;
    for entry in fs::read_dir(root)?.flatten() {
        let folder = entry.path();
        if !entry.file_name().as_encoded_bytes().starts_with(b"process-") {
            continue;
        }
        if died(&folder) {
            let _ = fs::remove_dir_all(folder);
        }
    }
    Ok(())
}

/// Whether the process of a folder is known to live no more. What cannot be told is no sign of death.
fn died(folder: &Path) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        // Without a lock at all it died while making one: the guard is held by whoever makes.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_is_swept_and_the_living_keep_theirs() {
        let root = tempfile::tempdir().unwrap();
        let work = root.path().join("work");
        sweep(&work).unwrap();
        let (dead, lives) = (Own::make(&work).unwrap(), Own::make(&work).unwrap());
        fs::write(dead.folder.join("large"), "bytes").unwrap();
        let left = dead.folder.clone();
        drop(dead);
        fs::create_dir(work.join("process-unborn")).unwrap();
        fs::create_dir(work.join("not-ours")).unwrap();
        sweep(&work).unwrap();
        assert!(!left.exists() && lives.folder.exists());
        assert!(!work.join("process-unborn").exists() && work.join("not-ours").exists());
    }

    #[test]
    fn a_lock_that_cannot_be_looked_at_is_no_sign_of_death() {
        let root = tempfile::tempdir().unwrap();
        let riddle = root.path().join("process-riddle");
        fs::create_dir(&riddle).unwrap();
        // A link to itself cannot be opened by anybody, and yet is there.
        std::os::unix::fs::symlink(LOCK, riddle.join(LOCK)).unwrap();
        sweep(root.path()).unwrap();
        assert!(riddle.exists());
    }

    #[test]
    fn a_place_goes_with_its_value() {
        let place = Place::make().unwrap();
        let path = place.path().to_owned();
        fs::write(place.of("x"), "1").unwrap();
        drop(place);
        assert!(!path.exists());
    }
}
