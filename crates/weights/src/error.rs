//! Why weights could not be installed, and what to do.

use std::{io, path::PathBuf};

use crate::HeaderError;

#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("could not work on `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("another `tintype models` command is at work on the weights: wait until it is done")]
    Busy,
    #[error("`{file}` may hold code, which would run when it is opened ({why}): use the model's safetensors files")]
    Pickle { file: String, why: &'static str },
    #[error(
        "`{file}` is not a kind of file that models are made of: safetensors, JSON, text, `.model` and `.tiktoken` are"
    )]
    Kind { file: String },
    #[error("`{file}` is not the safetensors file that it says it is")]
    Header { file: String, source: HeaderError },
    #[error("`{file}` is not JSON")]
    Json { file: String, source: serde_json::Error },
    #[error("`{file}` is not the file that was published: its SHA-256 is {found}, and should be {wanted}")]
    Digest { file: String, found: String, wanted: String },
    #[error("`{name}` is not a path inside of a model's folder")]
    Name { name: String },
    #[error("`{}` has none of the files that the model needs: {wanted}", from.display())]
    NothingFound { from: PathBuf, wanted: String },
    #[error("{from} lacks `{missing}`, which the model needs")]
    Missing { from: String, missing: String },
    #[error("the disk has {free} bytes free and {needed} are needed: make room, or choose another data folder")]
    DiskFull { needed: u64, free: u64 },
    #[error("`{url}` could not be fetched: {reason}")]
    Fetch { url: String, reason: String },
    #[error(
        "`{url}` could not be reached ({reason}): without a network, install a copy with `--from FOLDER`, name a mirror in `HF_ENDPOINT`, or bring a bundle with `tintype models import`"
    )]
    Unreachable { url: String, reason: String },
    #[error(
        "`{repository}` is not public, or is under a licence that must be accepted there first: accept it and set `HF_TOKEN`"
    )]
    Gated { repository: String },
    #[error("`{found}` is no source: give a folder, a file, an address, or `hub:OWNER/REPOSITORY[@REVISION]`")]
    Source { found: String },
    #[error(
        "`{}` is not a bundle that `tintype models export` wrote ({reason}): a folder or a file of weights is installed with `tintype models install MODEL --from`", path.display()
    )]
    NotBundle { path: PathBuf, reason: String },
    #[error("the bundle is not whole: {reason}")]
    Bundle { reason: String },
    #[error("`{app}` has no installed weights{}", set.as_ref().map(|set| format!(" called `{set}`")).unwrap_or_default())]
    NotInstalled { app: String, set: Option<String> },
}

impl WeightsError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
