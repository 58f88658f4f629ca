//! Pages that are written from the code, so that they cannot disagree with it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use tintype_server::options::reference;

/// Paths below the root of the repository, and what belongs there.
pub fn all() -> Vec<(&'static str, String)> {
    vec![("docs/reference/settings.md", reference::page())]
}

/// Writes those that are not what they should be.
pub fn write(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (name, text) in all() {
        let path = root.join(name);
        if fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        fs::create_dir_all(path.parent().context("a page lies in a folder")?)?;
        fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
