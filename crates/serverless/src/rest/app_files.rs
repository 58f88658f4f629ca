//! App files by content.

use std::path::{Path, PathBuf};

/// The store of app files.
pub struct AppFiles;

impl AppFiles {
    pub fn open(_root: PathBuf) -> std::io::Result<Self> {
        todo!()
    }

    /// Those of `hashes` that are not here.
    pub fn missing(&self, _hashes: &[String]) -> Vec<String> {
        todo!()
    }

    /// Lays files, each a hash and a relative path, below a folder.
    pub fn materialize(&self, _files: &[(String, String)], _into: &Path) -> std::io::Result<()> {
        todo!()
    }
}
