//! What is known of an installed set: where it came from, under which licence, and each file's digest.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tintype_domain::Timestamp;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub app: String,
    pub set: String,
    /// As it was named: `hub:owner/repository@revision`, an address, or a folder.
    pub source: String,
    /// Of a hub: the commit that was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// RFC 3339.
    pub installed_at: String,
    pub files: Vec<RecordFile>,
}

/// A licence that somebody accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    pub name: String,
    pub accepted_at: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    /// Inside the set's folder.
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
}

impl Record {
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Licence {
    pub fn accepted(name: impl Into<String>, now: Timestamp) -> Self {
        Self { name: name.into(), accepted_at: now.to_string() }
    }
}

pub(crate) fn read(path: &Path) -> io::Result<Record> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Whole or not at all, and on the disk before it counts.
pub(crate) fn write(path: &Path, drafts: &Path, record: &Record) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let draft = tempfile::NamedTempFile::new_in(drafts)?;
    serde_json::to_writer_pretty(&draft, record)?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    fs::File::open(folder)?.sync_all()
}
