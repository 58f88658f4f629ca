//! What all builds share.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tintype_launch::Launcher;
use tokio::sync::{RwLock, Semaphore};

use super::{
    Lay, Options,
    error::BuildError,
    flight::Flight,
    python::Interpreters,
    shelf::{self, Bench, Shelf},
    uv::Uv,
};

pub(super) struct Workshop {
    pub shelf: Shelf,
    pub options: Options,
    pub launcher: Arc<dyn Launcher>,
    pub pythons: Interpreters,
    pub uv: Uv,
    /// Held for reading while downloads are in use, for writing while they are thrown away.
    pub downloads: RwLock<()>,
    /// Lays files that were uploaded into a folder.
    pub lay: OnceLock<Lay>,
    pub permits: Semaphore,
    /// Builds under way: which environment, and whether it is built anew.
    pub flights: Mutex<HashMap<(String, bool), Arc<Flight>>>,
}

impl Workshop {
    pub(super) fn open(root: &Path, options: Options, launcher: Arc<dyn Launcher>) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let shelf = Shelf::open(root)?;
        let tools = shelf.root().join("tools");
        Ok(Self {
            pythons: Interpreters::new(tools.join("python")),
            uv: Uv::new(options.uv.clone(), tools.join("uv")),
            permits: Semaphore::new(options.at_once.max(1)),
            downloads: RwLock::default(),
            lay: OnceLock::new(),
            flights: Mutex::default(),
            shelf,
            options,
            launcher,
        })
    }

    pub(super) fn lay_context(&self, account: &str, files: &[(String, String)], into: &Path) -> Result<(), BuildError> {
        match self.lay.get() {
            Some(lay) => lay(account, files, into).map_err(|reason| BuildError::Image { reason }),
            None if files.is_empty() => Ok(()),
            None => Err(BuildError::Image { reason: "its files were not uploaded here".into() }),
        }
    }

    /// Waits for the disk, and holds no thread that serves while it does.
    pub(super) async fn settle(&self, bench: &Bench) -> Result<(), BuildError> {
        let room = bench.room.clone();
        let settled = tokio::task::spawn_blocking(move || shelf::settle(&room)).await;
        Ok(settled.map_err(|error| BuildError::Job { reason: error.to_string() })??)
    }
}
