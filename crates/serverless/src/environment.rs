//! Virtual environments: built once by content, shared between revisions.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tokio::sync::mpsc;

/// What is to be found or built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The minor, as `3.11`.
    pub python: String,
    /// Requirement lines, layer by layer.
    pub layers: Vec<Vec<String>>,
    pub resolver: Option<String>,
    pub compile_bytecode: bool,
    /// Values for `${NAME}` in requirement lines.
    pub secrets: BTreeMap<String, String>,
    /// It serves HTTP: the harness needs `grpcio` beside `cloudpickle`.
    pub served: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    pub id: String,
    pub root: PathBuf,
    pub python: PathBuf,
    /// The interpreter's prefix, which a sandbox must show as well.
    pub base: PathBuf,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub uv: Option<PathBuf>,
    pub budget_bytes: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the environment could not be built: {reason}")]
pub struct BuildError {
    pub reason: String,
}

/// All environments of this server.
pub struct Environments;

impl Environments {
    pub fn open(_root: &Path, _options: Options) -> std::io::Result<Self> {
        todo!()
    }

    /// Finds or builds; `lines` hears the build.
    pub async fn build(
        &self,
        _wanted: Wanted,
        _force: bool,
        _lines: mpsc::UnboundedSender<String>,
    ) -> Result<Environment, BuildError> {
        todo!()
    }

    pub fn find(&self, _id: &str) -> Option<Environment> {
        todo!()
    }

    /// Drops what is in no use, down to the disk budget.
    pub fn collect(&self, _used: &[String]) {
        todo!()
    }
}
