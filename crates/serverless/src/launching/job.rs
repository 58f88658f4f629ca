//! A function that is called once, for what it returns.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use rustix::fs::{CWD, Mode, OFlags};
use serde::Deserialize;

/// What the harness writes beside the result.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Report {
    pub method: String,
    pub raised: bool,
    /// The payload could not be read: the function was never called.
    #[serde(default)]
    pub load: bool,
    #[serde(default, rename = "type")]
    pub type_name: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub traceback: Option<String>,
}

/// Name of the result in a job's own folder, which is all that it may write to beside its scratch.
pub(crate) const RESULT: &str = "result";

/// Largest result that is carried back.
const LARGEST: u64 = 1 << 30;
/// A traceback, and a message.
const LARGEST_REPORT: u64 = 16 << 20;

#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Writable for the runner: nothing in it is believed.
    pub folder: PathBuf,
}

impl Job {
    /// What it left; `None`: it ended before it could leave anything.
    pub(crate) fn outcome(&self) -> io::Result<Option<(Report, Vec<u8>)>> {
        let report = match self.read(&format!("{RESULT}.json"), LARGEST_REPORT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            report => report?,
        };
        let report: Report = serde_json::from_slice(&report).map_err(io::Error::other)?;
        Ok(Some((report, self.read(RESULT, LARGEST)?)))
    }

    fn read(&self, name: &str, largest: u64) -> io::Result<Vec<u8>> {
        // The runner could have left a link to a file of the server, or a pipe; and what it started may still be dying.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(CWD, self.folder.join(name), flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > largest {
            return Err(io::Error::other(format!("the result is no plain file of at most {} MiB", largest >> 20)));
        }
        let mut bytes = Vec::new();
        file.take(largest).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_in_place_of_a_result_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let job = Job { folder: folder.path().into() };
        assert!(job.outcome().unwrap().is_none());
        std::fs::write(folder.path().join("result.json"), r#"{"method": "pickle", "raised": false}"#).unwrap();
        symlink("/etc/passwd", folder.path().join("result")).unwrap();
        assert!(job.outcome().is_err());
        std::fs::remove_file(folder.path().join("result")).unwrap();
        std::fs::write(folder.path().join("result"), b"bytes").unwrap();
        let (report, bytes) = job.outcome().unwrap().unwrap();
        assert_eq!((report.method.as_str(), report.raised, bytes.as_slice()), ("pickle", false, b"bytes".as_slice()));
    }
}
