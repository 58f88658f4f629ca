//! Files by the SHA-256 of what they hold.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256};

use crate::WeightsError;

pub(crate) struct Blobs {
    folder: PathBuf,
}

/// Reads or writes, and remembers the digest of all that went by.
pub(crate) struct Hashing<T> {
    inner: T,
    context: Context,
    pub(crate) bytes: u64,
}

impl<T> Hashing<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, context: Context::new(&SHA256), bytes: 0 }
    }

    pub(crate) fn finish(self) -> (T, String) {
        (self.inner, hex::encode(self.context.finish()))
    }

    /// Goes on with another reader or writer.
    pub(crate) fn with<U>(self, inner: U) -> Hashing<U> {
        Hashing { inner, context: self.context, bytes: self.bytes }
    }

    /// Counts what was written before, without writing it again.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Blobs {
    pub(crate) fn of(root: &Path) -> Self {
        Self { folder: root.join("blobs/sha256") }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(sha256)
    }

    /// Whether it is there, whole as far as its length tells.
    pub(crate) fn has(&self, sha256: &str, bytes: Option<u64>) -> bool {
        self.path(sha256).metadata().is_ok_and(|found| bytes.is_none_or(|bytes| bytes == found.len()))
    }

    /// Moves a finished file in. It must be on the same file system.
    pub(crate) fn take_in(&self, draft: &Path, sha256: &str) -> Result<(), WeightsError> {
        let failed = WeightsError::io(draft);
        let moved = || {
            File::open(draft)?.sync_all()?;
            fs::set_permissions(draft, fs::Permissions::from_mode(0o444))?;
            fs::rename(draft, self.path(sha256))?;
            File::open(&self.folder)?.sync_all()
        };
        moved().map_err(failed)
    }

    /// Copies `from` to the end into a file of `drafts`, and says its digest and length.
    pub(crate) fn copy_in(from: &mut impl Read, drafts: &Path) -> io::Result<(tempfile::TempPath, String, u64)> {
        let (file, path) = tempfile::NamedTempFile::new_in(drafts)?.into_parts();
        let mut hashing = Hashing::new(file);
        let bytes = io::copy(from, &mut hashing)?;
        let (_, sha256) = hashing.finish();
        Ok((path, sha256, bytes))
    }

    /// Takes away what no set links to.
    pub(crate) fn collect(&self) -> Result<(), WeightsError> {
        for entry in fs::read_dir(&self.folder).map_err(WeightsError::io(&self.folder))?.flatten() {
            let path = entry.path();
            let alone = entry.metadata().is_ok_and(|found| found.nlink() == 1);
            if alone {
                fs::remove_file(&path).map_err(WeightsError::io(&path))?;
            }
        }
        Ok(())
    }
}
