//! What a runner is told when it starts.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tintype_kernels::{DeviceChoice, Machine};
use tintype_programs::Sandboxing;

/// Where a runner listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A socket file of our own; one that a dead runner left behind is replaced.
    Unix(PathBuf),
    Tcp(SocketAddr),
}

#[derive(Clone, Debug)]
pub struct Options {
    /// The endpoint id of the app: `tintype/sketch`, or `tintype/noop` for diagnostics.
    pub model: String,
    /// Which code serves it; `None` takes the one that is called as the model is, without its owner.
    pub family: Option<String>,
    /// Where its installed weights are: a folder for each set, named as in the manifest.
    pub weights: Option<PathBuf>,
    /// Where computations may leave what a later attempt at the same request, in another process, goes on from.
    pub scratch: Option<PathBuf>,
    /// Where the programs that it starts work, and what is around them.
    pub work: Option<PathBuf>,
    pub sandbox: Sandboxing,
    pub listen: Listen,
    /// The server's socket for runners, through which files come and go. Without one a model can
    /// still answer with `sync_mode` and read data URIs.
    pub platform: Option<PathBuf>,
    /// Computations at a time. Further requests wait inside the runner.
    pub slots: usize,
    /// Compute threads; `None` takes what the machine offers.
    pub threads: Option<usize>,
    /// Where networks with weights compute.
    pub device: DeviceChoice,
    /// Silence after which a realtime session ends.
    pub session_timeout: Duration,
}

impl Options {
    pub(crate) fn family(&self) -> &str {
        self.family.as_deref().unwrap_or_else(|| self.model.rsplit('/').next().unwrap_or(&self.model))
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine { threads: self.threads, device: self.device }
    }

    pub fn new(model: impl Into<String>, listen: Listen) -> Self {
        let model = model.into();
        Self {
            model,
            family: None,
            weights: None,
            scratch: None,
            work: None,
            sandbox: Sandboxing::Auto,
            listen,
            platform: None,
            slots: 1,
            threads: None,
            device: DeviceChoice::default(),
            session_timeout: Duration::from_secs(60),
        }
    }
}
