//! Why a model or an adapter could not be loaded.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("could not read `{path}`")]
    File { path: PathBuf, source: std::io::Error },
    #[error("`{path}` is not a safetensors file")]
    Safetensors { path: PathBuf, source: safetensors::SafeTensorError },
    #[error("there is no safetensors file in `{path}`")]
    Empty { path: PathBuf },
    #[error("`{path}` is not what it should be: {reason}")]
    Configuration { path: PathBuf, reason: String },
    #[error("the weights have no `{name}`")]
    Missing { name: String },
    #[error("`{name}` in the weights is {found:?}: expected {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("`{name}` in the weights is stored as {found}, which is not supported: expected F32, F16 or BF16")]
    Kind { name: String, found: String },
    #[error("the LoRA does not fit `{layer}`: it holds {found}, expected {expected}")]
    Adapter { layer: String, found: String, expected: String },
    #[error("the tokenizer in `{path}` could not be read: {reason}")]
    Tokenizer { path: PathBuf, reason: String },
    #[error("`{path}` holds no weights `{names}`")]
    NoSet { path: PathBuf, names: String },
    #[error("could not start the compute threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error(transparent)]
    Device(#[from] tintype_kernels::NoDevice),
    #[error("the tensors do not fit")]
    Tensor(#[from] candle_core::Error),
}
