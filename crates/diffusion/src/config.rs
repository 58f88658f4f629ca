//! The `config.json` beside weights.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::LoadError;

/// Reads `path` as JSON.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, LoadError> {
    let text = std::fs::read(path).map_err(|source| LoadError::File { path: path.into(), source })?;
    serde_json::from_slice(&text).map_err(|error| wrong(path, error))
}

/// For what is there but not what this program computes.
pub fn wrong(path: &Path, reason: impl std::fmt::Display) -> LoadError {
    LoadError::Configuration { path: path.into(), reason: reason.to_string() }
}

/// One value for all, or one for each.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(untagged)]
pub enum Each<T> {
    All(T),
    List(Vec<T>),
}

impl<T: Copy> Each<T> {
    /// The value at `index`; the last one goes on.
    pub fn at(&self, index: usize) -> Option<T> {
        match self {
            Self::All(value) => Some(*value),
            Self::List(values) => values.get(index).or(values.last()).copied(),
        }
    }
}
