//! `run/server.json` in the data folder: how the command line of the same user finds the running server.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::paths::{private_dir, server_file, write_private};

/// What the file says. It may be left over from a server that was killed: whoever reads it must ask the address.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Announcement {
    /// Where people and programs on this machine reach it.
    pub local_url: String,
    pub url: String,
    pub pid: u32,
    pub version: String,
}

/// The file, for as long as the server runs.
pub(crate) struct Notice {
    path: PathBuf,
}

impl Notice {
    pub(crate) fn publish(data: &Path, url: &str, address: SocketAddr, encrypted: bool) -> anyhow::Result<Self> {
        let path = server_file(data);
        private_dir(&data.join("run")).context("could not make the folder `run` in the data folder")?;
        let announcement = Announcement {
            local_url: local_url(address, encrypted),
            url: url.to_owned(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let text = serde_json::to_vec_pretty(&announcement).context("could not write JSON")?;
        write_private(&path, &text).with_context(|| format!("could not write {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        // Left behind, it misleads nobody for long.
        let _ = fs::remove_file(&self.path);
    }
}

/// Callers that come by loopback may always use plain HTTP.
fn local_url(address: SocketAddr, encrypted: bool) -> String {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("http://127.0.0.1:{}", v4.port()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("http://[::1]:{}", v6.port()),
        other if encrypted && !other.ip().is_loopback() => format!("https://{other}"),
        other => format!("http://{other}"),
    }
}

/// What the last server on this folder said, if it ended without taking it back or still runs.
pub fn read(data: &Path) -> Option<Announcement> {
    serde_json::from_slice(&fs::read(server_file(data)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_is_there_while_the_server_is() {
        let dir = tempfile::tempdir().unwrap();
        let notice = Notice::publish(dir.path(), "https://a.example", ([0, 0, 0, 0], 87).into(), true).unwrap();
        let read_back = read(dir.path()).unwrap();
        assert_eq!(
            (read_back.local_url.as_str(), read_back.url.as_str()),
            ("http://127.0.0.1:87", "https://a.example")
        );
        assert_eq!(local_url(([10, 0, 0, 1], 87).into(), true), "https://10.0.0.1:87");
        drop(notice);
        assert!(read(dir.path()).is_none());
    }
}
