//! Where environments lie.
//!
//! `built/{id}.{generation}` are complete; a later generation replaces an earlier one, which stays for those who run
//! in it. `work/{account}` holds what is being built and the downloads, side by side, so that packages are linked and
//! not copied. `trash` is emptied in the background. A move between them is one rename.
//!
//! Code of packages writes in `work` as it likes, links included, and may go on while something beside it is finished.
//! So nothing there is opened or written by name from here: it is moved away first, and what is said of it lies beside
//! it. Lists of requirements lie in `lists`, which builds only read; images are built in rooms that no package sees.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
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

/// Beside each environment; it is rewritten at each use, so that its time tells the last use.
const RECORD: &str = "environment.json";
/// The environment itself, in its folder.
const CONTENT: &str = "environment";

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
    /// What the build may read and not write.
    pub lists: PathBuf,
    pub name: String,
}

/// What is built in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Packages,
    Images,
}

impl Shelf {
    /// Takes up what is there; what was half done goes.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        for folder in ["arriving", "built", "lists", "work", "trash"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let root = root.canonicalize()?;
        let shelf = Self { root, asked: Mutex::default(), serial: Mutex::new(0) };
        let rooms = folders(&shelf.root.join("work")).into_iter().map(|room| room.join("building"));
        for folder in rooms.chain(["arriving", "lists"].map(|name| shelf.root.join(name))) {
            for left in folders(&folder) {
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
        let found = environment(id, &root, serde_json::from_slice(&bytes).ok()?)?;
        asked.insert(id.to_owned(), Instant::now());
        // Best effort: only the order in which unused ones go depends on it.
        let _ = fs::write(root.join(RECORD), bytes);
        Some(found)
    }

    /// Opens a place to build in.
    pub(super) fn bench(&self, account: &str, id: &str, kind: Room) -> io::Result<Bench> {
        let serial = {
            let mut serial = self.serial.lock();
            *serial += 1;
            *serial
        };
        let suffix = if kind == Room::Images { ".images" } else { "" };
        let room = self.root.join("work").join(format!("{}{suffix}", folder_name(account)));
        let (name, cache) = (format!("{}-{serial}", &id[..8]), room.join("cache"));
        let (building, lists) = (room.join("building"), self.root.join("lists").join(&name));
        make(&cache)?;
        make(&building)?;
        fs::DirBuilder::new().mode(0o700).create(&lists)?;
        Ok(Bench { cache, root: building.join(&name), room, lists, name })
    }

    /// Moves a finished environment, whose content is [settled](settle), to its place. From then on it is found.
    pub(super) fn publish(&self, id: &str, bench: &Bench, record: &Record) -> io::Result<()> {
        // Two builds of one id must not choose the same place.
        let _turn = self.serial.lock();
        let generation = self.generations(id).iter().map(|(_, generation)| generation + 1).max().unwrap_or(0);
        let stage = self.root.join("arriving").join(&bench.name);
        fs::create_dir(&stage)?;
        let arrived = arrive(bench, record, &stage);
        let placed = arrived.and_then(|()| fs::rename(&stage, self.built().join(format!("{id}.{generation}"))));
        if placed.is_err() {
            self.discard(&stage);
        }
        placed
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

/// Moves what was built out of reach of all builds, and only then looks at it.
fn arrive(bench: &Bench, record: &Record, stage: &Path) -> io::Result<()> {
    let content = stage.join(CONTENT);
    fs::rename(&bench.root, &content)?;
    if !is_folder(&content) {
        return Err(io::Error::other("the build left something in the place of the environment that is no folder"));
    }
    let mut file = fs::File::create_new(stage.join(RECORD))?;
    file.write_all(&serde_json::to_vec_pretty(record)?)?;
    file.sync_all()
}

/// A folder of a room. A link in its place would lead whoever works there by its name out of the room.
fn make(folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir()) {
        fs::remove_file(folder)?;
    }
    fs::create_dir_all(folder)
}

/// `None`: what it stands on is gone.
fn environment(id: &str, folder: &Path, record: Record) -> Option<Environment> {
    let (id, root) = (id.to_owned(), folder.join(CONTENT));
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

/// The folders in a folder. Links are none, and lead to none.
pub(super) fn folders(path: &Path) -> Vec<PathBuf> {
    if !is_folder(path) {
        return Vec::new();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// Whether it is one itself, and no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    struct Case {
        folder: tempfile::TempDir,
        shelf: Shelf,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("host/kept/bin")).unwrap();
            fs::write(folder.path().join("host/kept/bin/python"), "").unwrap();
            Self { shelf: Shelf::open(&folder.path().join("environments")).unwrap(), folder }
        }

        fn host(&self) -> PathBuf {
            self.folder.path().join("host")
        }

        fn is_whole(&self) -> bool {
            fs::read_dir(self.host()).unwrap().count() == 1 && self.host().join("kept/bin/python").exists()
        }
    }

    fn record() -> Record {
        Record { python: "3.11.7".into(), base: "/usr".into(), requirements: Vec::new(), image: None }
    }

    #[test]
    fn a_link_in_the_place_of_an_environment_is_not_taken_for_one() {
        let case = Case::new();
        let bench = case.shelf.bench("ann", ID, Room::Packages).unwrap();
        symlink(case.host().join("kept"), &bench.root).unwrap();
        case.shelf.publish(ID, &bench, &record()).unwrap_err();
        assert!(case.shelf.find(ID).is_none() && case.is_whole());
    }

    #[test]
    fn what_a_package_leaves_under_the_name_of_the_record_is_not_read() {
        let case = Case::new();
        let bench = case.shelf.bench("ann", ID, Room::Packages).unwrap();
        fs::create_dir_all(bench.root.join("bin")).unwrap();
        fs::write(bench.root.join("bin/python"), "").unwrap();
        symlink(case.host().join("new"), bench.root.join(RECORD)).unwrap();
        case.shelf.publish(ID, &bench, &record()).unwrap();
        assert_eq!(case.shelf.find(ID).unwrap().base, Path::new("/usr"));
        assert!(case.is_whole());
    }

    #[test]
    fn links_in_a_room_lead_neither_a_build_nor_the_next_start_out_of_it() {
        let case = Case::new();
        let room = case.shelf.bench("ann", ID, Room::Packages).unwrap().room;
        for name in ["building", "cache"] {
            fs::remove_dir(room.join(name)).unwrap();
            symlink(case.host(), room.join(name)).unwrap();
        }
        Shelf::open(case.shelf.root()).unwrap();
        assert!(case.is_whole());
        let bench = case.shelf.bench("ann", ID, Room::Packages).unwrap();
        assert!(is_folder(&bench.cache) && is_folder(&room.join("building")));
        let images = case.shelf.bench("ann", ID, Room::Images).unwrap();
        assert!(!images.room.starts_with(&room) && !images.lists.starts_with(&room));
    }
}
