//! Where environments lie.
//!
//! `built/{id}.{generation}` are complete; a later generation replaces an earlier one, which stays for those who run
//! in it. `work/{account}` holds what is being built and the downloads, side by side, so that packages are linked and
//! not copied. `trash` is emptied in the background. A move between them is one rename.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    Environment,
    container::{Inside, files},
    key::is_id,
};

/// In each environment; it is written last, and rewritten at each use, so that its time tells the last use.
const RECORD: &str = "environment.json";

/// What an environment says of itself. Requirements are as they were written: without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub python: String,
    pub base: PathBuf,
    pub requirements: Vec<Vec<String>>,
    #[serde(default)]
    pub image: Option<Inside>,
}

pub(super) struct Shelf {
    root: PathBuf,
    asked: Mutex<HashMap<String, Instant>>,
    serial: Mutex<u64>,
}

/// A place where one environment is being built.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    /// The folder of the account: everything that the build writes is in it.
    pub room: PathBuf,
    pub cache: PathBuf,
    /// The environment to be.
    pub root: PathBuf,
    pub name: String,
}

impl Shelf {
    /// Takes up what is there; what was half done goes.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        for folder in ["built", "work", "trash"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let root = root.canonicalize()?;
        let shelf = Self { root, asked: Mutex::default(), serial: Mutex::new(0) };
        for account in folders(&shelf.root.join("work")) {
            for left in folders(&account.join("building")) {
                shelf.discard(&left);
            }
        }
        for entry in folders(&shelf.built()) {
            if !entry.join(RECORD).exists() || shelf.is_superseded(&entry) {
                shelf.discard(&entry);
            }
        }
        shelf.empty_trash();
        Ok(shelf)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn built(&self) -> PathBuf {
        self.root.join("built")
    }

    /// The latest complete one, if its interpreter still is where it was.
    pub(super) fn find(&self, id: &str) -> Option<Environment> {
        // Held to the end: nothing is collected between being found and being noted as asked for.
        let mut asked = self.asked.lock();
        let (root, _) = self.generations(id).into_iter().max_by_key(|(_, generation)| *generation)?;
        let bytes = fs::read(root.join(RECORD)).ok()?;
        let found = environment(id, root.clone(), serde_json::from_slice(&bytes).ok()?)?;
        asked.insert(id.to_owned(), Instant::now());
        // Best effort: only the order in which unused ones go depends on it.
        let _ = fs::write(root.join(RECORD), bytes);
        Some(found)
    }

    /// Opens a place to build in.
    pub(super) fn bench(&self, account: &str, id: &str) -> io::Result<Bench> {
        let serial = {
            let mut serial = self.serial.lock();
            *serial += 1;
            *serial
        };
        let room = self.root.join("work").join(folder_name(account));
        let (name, cache) = (format!("{}-{serial}", &id[..8]), room.join("cache"));
        let building = room.join("building");
        fs::create_dir_all(&cache)?;
        fs::create_dir_all(&building)?;
        Ok(Bench { cache, root: building.join(&name), room, name })
    }

    /// Moves a finished environment, whose content is [settled](settle), to its place. From then on it is found.
    pub(super) fn publish(&self, id: &str, bench: &Bench, record: &Record) -> io::Result<()> {
        // Two builds of one id must not choose the same place.
        let _turn = self.serial.lock();
        let generation = self.generations(id).iter().map(|(_, generation)| generation + 1).max().unwrap_or(0);
        let path = bench.root.join(RECORD);
        fs::write(&path, serde_json::to_vec_pretty(record)?)?;
        fs::File::open(&path)?.sync_all()?;
        fs::rename(&bench.root, self.built().join(format!("{id}.{generation}")))
    }

    /// Takes a folder away at once; its content is deleted by [`Shelf::empty_trash`].
    pub(super) fn discard(&self, folder: &Path) {
        let Some(name) = folder.file_name() else { return };
        let mut to = self.root.join("trash").join(name);
        while to.exists() {
            to.as_mut_os_string().push("~");
        }
        match fs::rename(folder, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), "could not discard a folder of environments");
            }
            _ => {}
        }
    }

    /// Deletes what was discarded, without anyone waiting for it.
    pub(super) fn empty_trash(&self) {
        let trash = self.root.join("trash");
        let work = move || folders(&trash).iter().for_each(|folder| drop(fs::remove_dir_all(folder)));
        if let Err(error) = thread::Builder::new().name("environment trash".into()).spawn(work) {
            tracing::warn!(%error, "could not delete old environments now");
        }
    }

    /// Takes one away, unless it was asked for within `grace`, in the life of this process. Tells whether it did.
    pub(super) fn evict(&self, path: &Path, id: &str, grace: Duration) -> bool {
        let asked = self.asked.lock();
        let is_recent = asked.get(id).is_some_and(|asked| asked.elapsed() < grace);
        if !is_recent {
            self.discard(path);
        }
        !is_recent
    }

    fn generations(&self, id: &str) -> Vec<(PathBuf, u64)> {
        if !is_id(id) {
            return Vec::new();
        }
        let of_id = |path: PathBuf| id_of(&path).filter(|(found, _)| found == id).map(|(_, n)| (path, n));
        folders(&self.built()).into_iter().filter_map(of_id).collect()
    }

    pub(super) fn is_superseded(&self, path: &Path) -> bool {
        let Some((id, own)) = id_of(path) else { return false };
        self.generations(&id).iter().any(|(_, other)| *other > own)
    }
}

/// `None`: what it stands on is gone.
fn environment(id: &str, root: PathBuf, record: Record) -> Option<Environment> {
    let id = id.to_owned();
    if let Some(inside) = record.image {
        let (base, python) = (files::root(&root), inside.python.clone().unwrap_or_default());
        let image = Some(Inside { root: base.clone(), ..inside });
        return base.is_dir().then_some(Environment { id, root, python, base, image });
    }
    let python = root.join("bin/python");
    python.exists().then_some(Environment { id, root, python, base: record.base, image: None })
}

/// The id and the generation that a folder's name tells.
pub(super) fn id_of(path: &Path) -> Option<(String, u64)> {
    let (id, generation) = path.file_name()?.to_str()?.split_once('.')?;
    Some((id.to_owned(), generation.parse().ok()?)).filter(|(id, _)| is_id(id))
}

/// When the environment was last used.
pub(super) fn last_use(path: &Path) -> Option<std::time::SystemTime> {
    path.join(RECORD).metadata().and_then(|data| data.modified()).ok()
}

pub(super) fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// A name of an account as the name of a folder.
fn folder_name(account: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !account.is_empty() && account.len() <= 64 && account.chars().all(plain) {
        return account.to_owned();
    }
    format!("~{}", hex::encode(ring::digest::digest(&ring::digest::SHA256, account.as_bytes())))
}

/// Brings everything to the disk: a name must not survive a power failure that its content does not.
pub(super) fn settle(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(folder)?)?)
}
