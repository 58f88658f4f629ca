//! Finding what nobody claims: objects whose record never came to be, and parts of forgotten uploads.

use std::{fs, io, path::Path, time::UNIX_EPOCH};

use tintype_domain::Timestamp;

use crate::{Blobs, id, place::blocking};

impl Blobs {
    /// Folders over which objects are spread; one is looked at in one go.
    pub async fn shard_names(&self) -> io::Result<Vec<String>> {
        let folder = self.shards();
        blocking(move || names(&folder, None)).await
    }

    /// Objects of one shard that were written before `before`. The time gives an upload that is being recorded
    /// right now room to finish.
    pub async fn objects_before(&self, shard: &str, before: Timestamp) -> io::Result<Vec<String>> {
        let folder = self.shard(shard);
        blocking(move || Ok(names(&folder, Some(before))?.into_iter().filter(|name| id::is_id(name)).collect())).await
    }

    /// Uploads in parts that were last touched before `before`.
    pub async fn uploads_before(&self, before: Timestamp) -> io::Result<Vec<String>> {
        let folder = self.uploads();
        blocking(move || Ok(names(&folder, Some(before))?.into_iter().filter(|name| id::is_id(name)).collect())).await
    }
}

fn names(folder: &Path, before: Option<Timestamp>) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if before.is_none_or(|before| touched(&entry).is_some_and(|at| at < before)) {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// `None` when it vanished meanwhile, which is as good as claimed.
fn touched(entry: &fs::DirEntry) -> Option<Timestamp> {
    let modified = entry.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::EPOCH.plus(since))
}
