//! The folder and what is where in it.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use tintype_domain::AppId;

use crate::{Record, WeightsError, record};

/// The set of a model that has one alone.
pub const DEFAULT_SET: &str = "default";

/// The installed weights of one data folder.
#[derive(Clone, Debug)]
pub struct Weights {
    root: PathBuf,
}

/// Held by whoever changes the folder.
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock ends with its descriptor")] File);

impl Weights {
    /// Makes nothing: a server may look before anything was installed.
    pub fn of(data: &Path) -> Self {
        Self { root: data.join("weights") }
    }

    /// The folder of an app, with a folder for each set.
    pub fn folder(&self, app: &AppId) -> PathBuf {
        self.root.join("apps").join(app.as_str())
    }

    /// The folder of a set, if it is installed.
    pub fn installed(&self, app: &AppId, set: &str) -> Option<PathBuf> {
        self.record_file(app, set).is_file().then(|| self.folder(app).join(set))
    }

    /// The names of all installed sets of an app, and what changes when one of them comes, changes or goes.
    pub fn state(&self, app: &AppId) -> (Vec<String>, String) {
        let records = fs::read_dir(self.records_folder().join(app.as_str())).into_iter().flatten().flatten();
        let mut sets: Vec<(String, String)> = records
            .filter_map(|record| {
                let name = record.file_name().to_str()?.strip_suffix(".json")?.to_owned();
                let file = record.metadata().ok()?;
                // A record is never written in place: another is another file.
                let mark = format!("{name}:{}:{}.{}", file.ino(), file.ctime(), file.ctime_nsec());
                Some((name, mark))
            })
            .collect();
        sets.sort();
        let (names, marks): (Vec<String>, Vec<String>) = sets.into_iter().unzip();
        (names, marks.join(","))
    }

    /// All sets, by app and name. A record that cannot be read is none.
    pub fn records(&self) -> Vec<Record> {
        let files = walkdir::WalkDir::new(self.records_folder()).min_depth(3).max_depth(3).sort_by_file_name();
        files.into_iter().filter_map(Result::ok).filter_map(|entry| record::read(entry.path()).ok()).collect()
    }

    /// Takes a set away, or all of an app, and every blob that nobody else uses.
    pub fn remove(&self, app: &AppId, set: Option<&str>) -> Result<Vec<Record>, WeightsError> {
        let _lock = self.lock()?;
        let wanted = |record: &Record| record.app == app.as_str() && set.is_none_or(|set| set == record.set);
        let gone: Vec<Record> = self.records().into_iter().filter(wanted).collect();
        if gone.is_empty() {
            return Err(WeightsError::NotInstalled { app: app.to_string(), set: set.map(Into::into) });
        }
        for record in &gone {
            let file = self.record_file(app, &record.set);
            fs::remove_file(&file).map_err(WeightsError::io(&file))?;
            let folder = self.folder(app).join(&record.set);
            fs::remove_dir_all(&folder).map_err(WeightsError::io(&folder))?;
        }
        self.blobs().collect()?;
        Ok(gone)
    }

    pub(crate) fn record_file(&self, app: &AppId, set: &str) -> PathBuf {
        self.records_folder().join(app.as_str()).join(format!("{set}.json"))
    }

    fn records_folder(&self) -> PathBuf {
        self.root.join("records")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.root.join("partial")
    }

    /// On the same file system as all else, so that what was made there can be moved into its place.
    pub(crate) fn drafts(&self) -> PathBuf {
        self.root.join("drafts")
    }

    pub(crate) fn blobs(&self) -> crate::blobs::Blobs {
        crate::blobs::Blobs::of(&self.root)
    }

    /// One change at a time. What an earlier one left half done is taken away.
    pub(crate) fn lock(&self) -> Result<Lock, WeightsError> {
        for folder in [self.root.clone(), self.partial(), self.drafts(), self.blobs().folder().to_owned()] {
            fs::create_dir_all(&folder).map_err(WeightsError::io(&folder))?;
        }
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(WeightsError::io(&path))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| WeightsError::Busy)?;
        let drafts = self.drafts();
        for entry in fs::read_dir(&drafts).map_err(WeightsError::io(&drafts))?.flatten() {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(WeightsError::io(&path))?;
        }
        Ok(Lock(file))
    }
}
