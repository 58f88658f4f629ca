//! Files that arrive in parts: each part is a file of its own until the last has come.
//!
//! An upload that nobody ends is dropped after a day, by whoever begins the next one.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tintype_domain::{AccountId, Timestamp};

const LIFETIME: Duration = Duration::from_secs(24 * 3600);
pub(super) const MAX_PARTS: u32 = 100_000;
/// The tools send ten mebibytes.
pub(super) const MAX_PART: u64 = 64 << 20;

/// A folder of uploads under way.
pub(super) struct Parcels {
    root: PathBuf,
}

/// One upload.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub id: String,
    folder: PathBuf,
}

/// What an upload is for; nobody else may go on with it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Label {
    account: String,
    target: String,
    began: i64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    #[error("the upload has no parts: send at least one")]
    Empty,
    #[error("part {number} with the etag `{etag}` has not arrived: send it again")]
    Missing { number: u32, etag: String },
    #[error("the file is larger than {limit} bytes, the most that is kept")]
    TooLarge { limit: u64 },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Parcels {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn begin(&self, account: &AccountId, target: &str, now: Timestamp) -> io::Result<Parcel> {
        self.sweep(now);
        let id = tintype_blob::new_id();
        let folder = self.root.join(&id);
        fs::create_dir_all(&folder)?;
        let label = Label { account: account.to_string(), target: target.to_owned(), began: now.as_secs() };
        fs::write(folder.join("label"), serde_json::to_vec(&label)?)?;
        Ok(Parcel { id, folder })
    }

    /// The upload, if it is this account's and leads to `target`.
    pub(super) fn find(&self, id: &str, account: &AccountId, target: &str) -> Option<Parcel> {
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let folder = self.root.join(id);
        let label = plain.then(|| label(&folder)).flatten()?;
        let theirs = label.account == account.as_str() && label.target == target;
        theirs.then(|| Parcel { id: id.to_owned(), folder })
    }

    fn sweep(&self, now: Timestamp) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        let oldest = now.minus(LIFETIME).as_secs();
        for folder in entries.flatten().map(|entry| entry.path()) {
            if label(&folder).is_some_and(|label| label.began < oldest) {
                // What is left over is met again by the next.
                let _ = fs::remove_dir_all(folder);
            }
        }
    }
}

fn label(folder: &std::path::Path) -> Option<Label> {
    serde_json::from_slice(&fs::read(folder.join("label")).ok()?).ok()
}

impl Parcel {
    /// A file for a part that begins to arrive.
    pub(super) fn receive(&self) -> io::Result<(File, PathBuf)> {
        let place = self.folder.join(format!("new-{}", tintype_blob::new_id()));
        Ok((File::create_new(&place)?, place))
    }

    /// The part is whole. A repeat of it changes nothing.
    pub(super) fn settle(&self, number: u32, etag: &str, received: &std::path::Path) -> io::Result<()> {
        fs::rename(received, self.part(number, etag))
    }

    #[cfg(test)]
    pub(super) fn put(&self, number: u32, bytes: &[u8]) -> io::Result<String> {
        let (mut file, place) = self.receive()?;
        file.write_all(bytes)?;
        let etag = hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes));
        self.settle(number, &etag, &place)?;
        Ok(etag)
    }

    /// All named parts in one flushed file, which lies in the upload's folder; `seen` hears all bytes in order.
    pub(super) fn join(
        &self,
        parts: &[(u32, String)],
        limit: u64,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<PathBuf, JoinError> {
        if parts.is_empty() {
            return Err(JoinError::Empty);
        }
        let mut parts = parts.to_vec();
        parts.sort();
        let (mut whole, place) = self.receive()?;
        let (mut left, mut buffer) = (limit, vec![0; 256 << 10]);
        for (number, etag) in parts {
            let missing = || JoinError::Missing { number, etag: etag.chars().take(80).collect() };
            let mut part = File::open(self.part(number, &etag)).map_err(|_| missing())?;
            loop {
                let read = part.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                left = left.checked_sub(read as u64).ok_or(JoinError::TooLarge { limit })?;
                whole.write_all(&buffer[..read])?;
                seen(&buffer[..read]);
            }
        }
        whole.sync_all()?;
        Ok(place)
    }

    pub(super) fn end(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)
    }

    fn part(&self, number: u32, etag: &str) -> PathBuf {
        // An etag of ours is a digest in hexadecimal; what is none names no part.
        let etag = if etag.bytes().all(|byte| byte.is_ascii_hexdigit()) { etag } else { "none" };
        self.folder.join(format!("{number}-{etag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn parcels() -> (tempfile::TempDir, Parcels, AccountId) {
        let folder = tempfile::tempdir().unwrap();
        let parcels = Parcels::new(folder.path().join("uploads"));
        (folder, parcels, AccountId::new("ann"))
    }

    #[test]
    fn parts_are_joined_by_their_numbers_in_whatever_order_they_came() {
        let (_folder, parcels, ann) = parcels();
        let parcel = parcels.begin(&ann, "x", NOW).unwrap();
        let two = parcel.put(2, b"two").unwrap();
        let one = parcel.put(1, b"one").unwrap();
        let joined = parcel.join(&[(2, two), (1, one)], 6, |_| {}).unwrap();
        assert_eq!(fs::read(joined).unwrap(), b"onetwo");
    }

    #[test]
    fn what_is_missing_or_too_large_is_told() {
        let (_folder, parcels, ann) = parcels();
        let parcel = parcels.begin(&ann, "x", NOW).unwrap();
        let one = parcel.put(1, b"one").unwrap();
        let join = |parts: &[(u32, String)], limit| parcel.join(parts, limit, |_| {}).unwrap_err().to_string();
        assert!(join(&[], 9).contains("no parts"));
        assert!(join(&[(1, one.clone()), (2, one.clone())], 9).contains("part 2"));
        assert!(join(&[(1, "../../label".into())], 9).contains("part 1"));
        assert!(join(&[(1, one)], 2).contains("larger than 2 bytes"));
    }

    #[test]
    fn an_upload_is_found_by_its_owner_for_its_target_alone() {
        let (_folder, parcels, ann) = parcels();
        let id = parcels.begin(&ann, "x", NOW).unwrap().id;
        assert!(parcels.find(&id, &ann, "x").is_some());
        assert!(parcels.find(&id, &ann, "y").is_none());
        assert!(parcels.find(&id, &AccountId::new("bob"), "x").is_none());
        assert!(parcels.find("../uploads", &ann, "x").is_none());
    }

    #[test]
    fn an_abandoned_upload_goes_after_a_day() {
        let (_folder, parcels, ann) = parcels();
        let old = parcels.begin(&ann, "x", NOW).unwrap().id;
        let soon = NOW.plus(LIFETIME);
        let young = parcels.begin(&ann, "x", soon).unwrap().id;
        assert!(parcels.find(&old, &ann, "x").is_some());
        parcels.begin(&ann, "x", soon.plus(Duration::from_secs(1))).unwrap();
        assert!(parcels.find(&old, &ann, "x").is_none() && parcels.find(&young, &ann, "x").is_some());
    }
}
