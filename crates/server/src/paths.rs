//! Where things lie: the data folder, the settings file, and the folder for sockets.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Room for `/`, the longest file name that lies in the run folder, and a closing zero in a socket's address.
const LONGEST_RUN_DIR: usize = 60;

/// `$XDG_DATA_HOME/tintype`, else `~/.local/share/tintype`.
pub fn default_data(variable: &impl Fn(&str) -> Option<String>) -> PathBuf {
    xdg(variable, "XDG_DATA_HOME", ".local/share").join("tintype")
}

/// `$XDG_CONFIG_HOME/tintype/tintype.toml`, else below `~/.config`.
pub fn default_config(variable: &impl Fn(&str) -> Option<String>) -> PathBuf {
    xdg(variable, "XDG_CONFIG_HOME", ".config").join("tintype/tintype.toml")
}

fn xdg(variable: &impl Fn(&str) -> Option<String>, name: &str, below_home: &str) -> PathBuf {
    // The rules ask that a relative path be ignored.
    let given = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    given.unwrap_or_else(|| PathBuf::from(variable("HOME").unwrap_or_else(|| ".".into())).join(below_home))
}

/// The local key, for the command line of the same user.
pub fn key_file(data: &Path) -> PathBuf {
    data.join("key")
}

/// What the running server says of itself to the command line.
pub fn server_file(data: &Path) -> PathBuf {
    data.join("run/server.json")
}

/// The certificate of the server's own authority.
pub fn authority_file(data: &Path) -> PathBuf {
    data.join("tls/authority.pem")
}

/// A folder for sockets: `{data}/run`, or one with a short path where that is too long for a socket's address.
pub(crate) fn run_dir(data: &Path) -> io::Result<PathBuf> {
    let inside = data.join("run");
    if inside.as_os_str().len() <= LONGEST_RUN_DIR {
        private_dir(&inside)?;
        return Ok(inside);
    }
    let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let base = if base.as_os_str().len() > 30 { PathBuf::from("/tmp") } else { base };
    let short = base.join(format!("tintype-{:016x}", name_hash(&fs::canonicalize(data)?)));
    private_dir(&short)?;
    let metadata = fs::symlink_metadata(&short)?;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
        let text = format!("{} exists and is not a private folder of this user", short.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    Ok(short)
}

fn name_hash(path: &Path) -> u64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, path.as_os_str().as_encoded_bytes());
    digest.as_ref().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// A folder that only its owner can enter; an existing one is left as it is.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that only its owner can read, all of it or nothing.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_readable_by_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_long_data_path_gets_a_short_run_folder_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let run = run_dir(&deep).unwrap();
        assert!(run.as_os_str().len() <= LONGEST_RUN_DIR, "{}", run.display());
        assert_eq!(run, run_dir(&deep).unwrap());
        fs::remove_dir(run).unwrap();
    }
}
