//! Why an environment could not be built, in the words of who wrote its requirements.

/// Many may wait for one build, so the error can be cloned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("`python_version` is `{found}`: expected a minor such as `3.11`")]
    PythonVersion { found: String },
    #[error(
        "there is no Python {wanted} on this server, and it could not be fetched ({reason}). Present: {present}. \
         Deploy with one of these, or install Python {wanted} where the server finds it (as `python{wanted}` on its PATH)"
    )]
    MissingPython { wanted: String, present: String, reason: String },
    #[error("the requirement `{line}` cannot be used: {reason}")]
    Refused { line: String, reason: String },
    #[error("the requirement `{line}` names the secret `{name}`, {reason}")]
    Secret { line: String, name: String, reason: &'static str },
    #[error("could not install the requirement `{requirement}`: {reason}")]
    Requirement { requirement: String, reason: String },
    #[error("could not install the requirements{layer}: {reason}")]
    Layer { layer: String, reason: String },
    #[error(
        "the server found no `uv` and could not install it ({reason}). Install it (`pip install uv`) where the server \
         finds it on its PATH"
    )]
    Tool { reason: String },
    #[error("the build did not end well: {reason}")]
    Job { reason: String },
    #[error(
        "this server builds no container images, because podman is not installed: install it where the server runs, or \
         use `kind=\"virtualenv\"` (the default) with `requirements`"
    )]
    NoPodman,
    #[error("the container image cannot be used: {reason}")]
    Image { reason: String },
    #[error("the server could not keep the environment: {reason}")]
    Disk { reason: String },
}

impl BuildError {
    /// Whether the requirements must change, rather than the server.
    pub fn is_callers(&self) -> bool {
        !matches!(self, Self::Tool { .. } | Self::Job { .. } | Self::Disk { .. })
    }
}

impl From<std::io::Error> for BuildError {
    fn from(error: std::io::Error) -> Self {
        Self::Disk { reason: error.to_string() }
    }
}
