//! Runners as child processes of this one.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::{Launcher, Start, StartError, Started};

/// Starts child processes whose sockets lie in a folder of their own.
pub struct LocalLauncher {
    run_dir: PathBuf,
}

impl LocalLauncher {
    pub fn new(run_dir: PathBuf) -> Self {
        Self { run_dir }
    }
}

#[async_trait]
impl Launcher for LocalLauncher {
    async fn start(&self, _start: Start) -> Result<Started, StartError> {
        let _ = &self.run_dir;
        todo!()
    }
}
