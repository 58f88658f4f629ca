//! Virtual environments: built once by content, shared between revisions.
//!
//! An environment is named by what goes into it ([`Wanted`]), so the same requirements are installed once, however many
//! apps ask and however many ask at the same time. It is built apart and moved to its place whole: what has a name is
//! complete. Installing runs code of the packages, so it runs as a job of the launcher, confined like a runner.

mod build;
mod collect;
mod container;
mod error;
mod explain;
mod flight;
mod install;
mod job;
mod key;
mod plan;
mod python;
mod requirement;
mod secret;
mod shelf;
mod uv;
mod workshop;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tintype_launch::{Launcher, Network};
use tokio::sync::mpsc;

use self::workshop::Workshop;
pub use self::{
    container::{Image, Inside, Source},
    error::BuildError,
};

/// What is to be found or built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// For whom: what one account's packages do while they are installed must not reach another's downloads.
    pub account: String,
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
    /// It begins with this, instead of with a Python of the server's.
    pub image: Option<Image>,
}

/// One that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    pub id: String,
    pub root: PathBuf,
    pub python: PathBuf,
    /// The interpreter's prefix, which a sandbox must show as well.
    pub base: PathBuf,
    /// It is an image: `python` is a name inside it, and empty where it is run as it is.
    pub image: Option<Inside>,
}

/// Lays uploaded files, each a hash and a relative path, of an account into a folder.
pub type Lay = Arc<dyn Fn(&str, &[(String, String)], &Path) -> Result<(), String> + Send + Sync>;

/// Where and within what bounds environments are built.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `uv` program. Default: the one on the path, else one that is installed beside the environments.
    pub uv: Option<PathBuf>,
    /// Disk space of all environments and downloads together; beyond it, unused ones go.
    pub budget_bytes: u64,
    /// One that was asked for so recently is not collected: its app may be about to be registered.
    pub grace: Duration,
    /// Of one build, from the first command to the last.
    pub time_limit: Duration,
    /// Of one build.
    pub memory_limit_bytes: Option<u64>,
    /// Builds under way at the same time.
    pub at_once: usize,
    /// What of the network a build reaches from its sandbox; `None`: builds run without walls.
    pub network: Option<Network>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            uv: None,
            budget_bytes: 50 << 30,
            grace: Duration::from_secs(3600),
            time_limit: Duration::from_secs(3600),
            memory_limit_bytes: Some(16 << 30),
            at_once: 4,
            network: Some(Network::All),
        }
    }
}

/// All environments of this server. A clone shares them.
#[derive(Clone)]
pub struct Environments(Arc<Workshop>);

impl Environments {
    /// `root` is created where it is missing; what an earlier process left half-built is removed.
    pub fn open(root: &Path, options: Options, launcher: Arc<dyn Launcher>) -> io::Result<Self> {
        Ok(Self(Arc::new(Workshop::open(root, options, launcher)?)))
    }

    /// From where the files come that Dockerfiles copy. To be said once, before anything is built.
    pub fn lay_files_with(&self, lay: Lay) {
        let _ = self.0.lay.set(lay);
    }

    /// Finds or builds; `lines` hears the build, from its beginning even if it is under way already.
    ///
    /// With `force` it is built anew, from fresh downloads; whoever runs in the former one is left in peace. A build
    /// goes on when its caller goes away, so that asking again finds it further on.
    pub async fn build(
        &self,
        wanted: Wanted,
        force: bool,
        lines: mpsc::UnboundedSender<String>,
    ) -> Result<Environment, BuildError> {
        build::find_or_build(Arc::clone(&self.0), wanted, force, lines).await
    }

    /// One that is complete and whose interpreter is still there.
    pub fn find(&self, id: &str) -> Option<Environment> {
        self.0.shelf.find(id)
    }

    /// Drops what is in no use, the longest unused first, down to the disk budget. `used` names those that an app or
    /// a runner may need at any moment.
    pub async fn collect(&self, used: &[String]) {
        collect::collect(&self.0, used).await;
    }
}
