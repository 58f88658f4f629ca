//! A folder of weights as it was published: `config.json` and tensors in safetensors files.
//!
//! The files are mapped, so only what is asked for is read; every tensor's shape is checked against what the
//! network wants before it is used.
#![expect(unsafe_code, reason = "files are mapped into memory")]

use std::path::{Path, PathBuf};

use candle_core::{Tensor, safetensors::MmapedSafetensors};
use serde::de::DeserializeOwned;
use tintype_kernels::Compute;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("there are no weights: the model is not installed")]
    NotInstalled,
    #[error("could not read `{path}`")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{path}` is not what it should be")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("`{path}` is not a vocabulary: {reason}")]
    Vocabulary { path: PathBuf, reason: String },
    #[error("there is no safetensors file in `{folder}`")]
    NoTensors { folder: PathBuf },
    #[error("the weights have no tensor `{name}`: they belong to another model")]
    Missing { name: String },
    #[error("the tensor `{name}` has the shape {found:?}: expected {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("the configuration says `{field}` = {found}: expected {expected}")]
    Unsupported { field: &'static str, found: String, expected: &'static str },
    #[error(transparent)]
    Device(#[from] tintype_kernels::NoDevice),
    #[error("the tensors do not fit")]
    Tensor(#[from] candle_core::Error),
    #[error("could not start the compute threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

pub type Loaded<T> = Result<T, LoadError>;

/// The tensors of one set of weights, and where they are computed with.
pub struct Weights {
    files: MmapedSafetensors,
    compute: Compute,
}

impl Weights {
    /// For the CPU.
    pub fn open(folder: &Path) -> Result<Self, LoadError> {
        Self::open_for(folder, &Compute::cpu())
    }

    pub fn open_for(folder: &Path, compute: &Compute) -> Result<Self, LoadError> {
        let read = |source| LoadError::Read { path: folder.into(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(LoadError::NoTensors { folder: folder.into() });
        }
        files.sort();
        // SAFETY: installed weights are never written to again; they are replaced as whole files.
        Ok(Self { files: unsafe { MmapedSafetensors::multi(&files)? }, compute: compute.clone() })
    }

    pub fn root(&self) -> Scope<'_> {
        Scope { weights: self, prefix: String::new() }
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.files.get(name).ok().map(|view| view.shape().to_vec())
    }
}

/// Tensors whose names begin alike, as those of one layer do.
#[derive(Clone)]
pub struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl Scope<'_> {
    #[must_use]
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { weights: self.weights, prefix: self.full(name) }
    }

    /// The first of these names under which there is a `weight`: checkpoints of different ages differ in them.
    #[must_use]
    pub fn either(&self, names: &[&str]) -> Self {
        let known = names.iter().map(|name| self.at(name)).find(|scope| scope.has("weight"));
        known.unwrap_or_else(|| self.at(names[0]))
    }

    pub fn has(&self, name: &str) -> bool {
        self.weights.shape(&self.full(name)).is_some()
    }

    pub fn compute(&self) -> &Compute {
        &self.weights.compute
    }

    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, LoadError> {
        self.loaded(name, shape, self.compute())
    }

    /// In single precision on the CPU, for what is computed there on every machine.
    pub fn table(&self, name: &str, shape: &[usize]) -> Result<Tensor, LoadError> {
        self.loaded(name, shape, &Compute::cpu())
    }

    fn loaded(&self, name: &str, shape: &[usize], compute: &Compute) -> Result<Tensor, LoadError> {
        let name = self.full(name);
        let found = self.weights.shape(&name).ok_or_else(|| LoadError::Missing { name: name.clone() })?;
        if found != shape {
            return Err(LoadError::Shape { name, found, expected: shape.to_vec() });
        }
        Ok(self.weights.files.load(&name, &compute.device)?.to_dtype(compute.dtype)?)
    }

    fn full(&self, name: impl std::fmt::Display) -> String {
        if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) }
    }
}

/// A JSON file of the folder.
pub fn json<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<T, LoadError> {
    let path = folder.join(name);
    let bytes = std::fs::read(&path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| LoadError::Json { path, source })
}

/// The folder of the set of this name among an app's weights.
pub fn set(weights: Option<&Path>, name: &str) -> Result<PathBuf, LoadError> {
    let folder = weights.ok_or(LoadError::NotInstalled)?.join(name);
    if folder.is_dir() { Ok(folder) } else { Err(LoadError::NotInstalled) }
}
