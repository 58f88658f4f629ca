//! The folder of a revision: payloads as they came, on stable storage before anything names them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

pub(crate) const FUNCTION: &str = "function.pickle";
pub(crate) const SETUP: &str = "setup.pickle";
/// The text of the app's file, for people.
pub(crate) const SOURCE: &str = "source.py";
/// The app's own files; each runner gets a copy.
pub(crate) const FILES: &str = "app";

/// What one version consists of, beside its definition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Payload {
    pub function: Option<Vec<u8>>,
    pub setup: Option<Vec<u8>>,
    pub source: Option<String>,
}

impl Payload {
    /// Writes the folder. What it holds is safe when this returns; the caller lays the app's files into it before.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        make_private(folder)?;
        let parts = [
            (FUNCTION, self.function.as_deref()),
            (SETUP, self.setup.as_deref()),
            (SOURCE, self.source.as_deref().map(str::as_bytes)),
        ];
        for (name, bytes) in parts {
            if let Some(bytes) = bytes {
                write(&folder.join(name), bytes)?;
            }
        }
        File::open(folder)?.sync_all()?;
        folder.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }
}

pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Folders below `root` whose name `known` does not know: what a server that died had begun.
pub(crate) fn sweep(root: &Path, known: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path: PathBuf = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if !known(&name) {
            remove(&path);
        }
    }
    Ok(())
}

/// Best effort: what stays is swept at the next start.
pub(crate) fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), "could not remove {}: {error}", folder.display());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_revision_names_is_swept() {
        let root = tempfile::tempdir().unwrap();
        let payload = Payload { function: Some(b"pickle".to_vec()), ..Payload::default() };
        for name in ["kept", "left"] {
            payload.write(&root.path().join(name)).unwrap();
        }
        sweep(root.path(), |name| name == "kept").unwrap();
        assert_eq!(fs::read(root.path().join("kept").join(FUNCTION)).unwrap(), b"pickle");
        assert!(!root.path().join("left").exists());
        sweep(&root.path().join("absent"), |_| false).unwrap();
    }
}
