//! Folders in which long computations leave what a later attempt at the same request goes on from.
//!
//! They outlive the process, and go when the request has an answer or was cancelled by its caller. A connection that
//! breaks is no cancellation: the server may have died, and will ask again.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use tintype_domain::Timestamp;

/// What was left longer ago is of a request that nobody will ask for again.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The folder of one request.
#[derive(Clone)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// `None` without a place for such folders, or without a name for this one.
    pub fn of(root: Option<&Path>, request: Option<&str>) -> Option<Self> {
        let request = request.filter(|request| is_plain(request))?;
        Some(Self(root?.join(request)))
    }

    /// The folder, made if it is not there.
    pub fn open(&self) -> Option<&Path> {
        fs::create_dir_all(&self.0).ok()?;
        Some(&self.0)
    }

    pub fn discard(&self) {
        // Most calls have made none.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what was left too long ago.
pub(crate) fn sweep(root: &Path, now: Timestamp) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|found| found.modified()).ok();
        let changed = changed.and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
        if changed.is_some_and(|changed| now.since(Timestamp::EPOCH.plus(changed)) > KEPT) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_plain(request: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&request.len()) && request.bytes().all(part)
}

#[cfg(test)]
mod tests {
    use tintype_domain::{Clock, SystemClock};

    use super::*;

    #[test]
    fn a_folder_is_made_when_it_is_asked_for_and_is_found_again() {
        let root = tempfile::tempdir().unwrap();
        let scratch = || Scratch::of(Some(root.path()), Some("0199-ab")).unwrap();
        assert!(fs::read_dir(root.path()).unwrap().next().is_none());
        fs::write(scratch().open().unwrap().join("x"), "1").unwrap();
        sweep(root.path(), SystemClock.now());
        assert_eq!(fs::read(scratch().open().unwrap().join("x")).unwrap(), b"1");
        scratch().discard();
        assert!(fs::read_dir(root.path()).unwrap().next().is_none());
    }

    #[test]
    fn what_was_left_long_ago_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let folder = Scratch::of(Some(root.path()), Some("old")).unwrap().open().unwrap().to_owned();
        sweep(root.path(), SystemClock.now().plus(2 * KEPT));
        assert!(!folder.exists());
    }

    #[test]
    fn a_name_that_is_no_request_id_gets_no_folder() {
        for name in ["", "..", "a/b", "../x", "a b"] {
            assert!(Scratch::of(Some(Path::new("/r")), Some(name)).is_none(), "{name}");
        }
        assert!(Scratch::of(None, Some("a")).is_none() && Scratch::of(Some(Path::new("/r")), None).is_none());
    }
}
