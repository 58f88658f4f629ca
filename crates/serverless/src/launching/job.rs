//! A function that is called once, for what it returns.

use std::{io, path::PathBuf};

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

#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Writable for the runner: nothing in it is believed.
    pub folder: PathBuf,
}

impl Job {
    /// What it left; `None`: it ended before it could leave anything.
    pub(crate) fn outcome(&self) -> io::Result<Option<(Report, Vec<u8>)>> {
        let report = match self.read(&format!("{RESULT}.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            report => report?,
        };
        let report: Report = serde_json::from_slice(&report).map_err(io::Error::other)?;
        Ok(Some((report, self.read(RESULT)?)))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.folder.join(name);
        // The runner could have left a link to a file of the server, or a pipe.
        let metadata = std::fs::symlink_metadata(&path)?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return Err(io::Error::other(format!("the result is no plain file of at most {} MiB", LARGEST >> 20)));
        }
        std::fs::read(path)
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
