//! The folder, and where each thing lies in it.
//!
//! `objects/{first two letters}/{id}` are whole objects, `parts/{upload}/{number}-{etag}` the parts of
//! unfinished ones, `drafts/` what is being written now. Drafts do not outlive the process: they are
//! removed when the folder is opened, which is why one folder serves one process at a time.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{OpenError, id};

/// The object folder. A cheap handle: clone it.
#[derive(Clone, Debug)]
pub struct Blobs {
    root: Arc<Path>,
}

impl Blobs {
    /// Opens the folder, makes it where it does not exist, and removes the drafts of a process that died.
    pub fn open(root: PathBuf) -> Result<Self, OpenError> {
        let prepare = || {
            ensure_folder(&root.join("objects"))?;
            ensure_folder(&root.join("parts"))?;
            remove_folder(&root.join("drafts"))?;
            ensure_folder(&root.join("drafts"))
        };
        match prepare() {
            Ok(()) => Ok(Self { root: root.into() }),
            Err(source) => Err(OpenError { path: root, source }),
        }
    }

    pub(crate) fn object(&self, object: &str) -> PathBuf {
        self.shard(object.get(..2).unwrap_or("__")).join(object)
    }

    pub(crate) fn shard(&self, letters: &str) -> PathBuf {
        self.root.join("objects").join(letters)
    }

    pub(crate) fn shards(&self) -> PathBuf {
        self.root.join("objects")
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("parts")
    }

    pub(crate) fn parts(&self, upload: &str) -> PathBuf {
        self.uploads().join(upload)
    }

    pub(crate) fn draft(&self) -> PathBuf {
        self.root.join("drafts").join(id::new_id())
    }

    /// Removes an object for good. `false`: it was not there.
    pub async fn delete(&self, object: &str) -> io::Result<bool> {
        if !id::is_id(object) {
            return Ok(false);
        }
        let path = self.object(object);
        blocking(move || match std::fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        })
        .await
    }
}

/// Makes a folder that other users of the machine cannot look into.
pub(crate) fn ensure_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a new name in `folder` survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs file work where it may wait.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => Err(io::Error::other(failed).into()),
    }
}
