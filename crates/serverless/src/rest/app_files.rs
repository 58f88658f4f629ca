//! App files by content: what a deployer brings along with an app, kept once for each account.
//!
//! A file is named by the SHA-256 of its bytes followed by its mode in decimal, as the deployment tools compute it; its
//! permission bits are kept on the stored file. Accounts share nothing: who knows a hash alone reads nothing by it.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use ring::digest;
use tintype_domain::AccountId;

use super::parcels::{JoinError, Parcel, Parcels};
use crate::volume::folder_name;

/// What the tools send at most.
pub(super) const MAX_FILE: u64 = 1 << 30;

/// The store of app files.
pub struct AppFiles {
    root: PathBuf,
}

/// Why files could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum MaterializeError {
    #[error("app file `{path}` is not here: its upload did not complete; deploy again")]
    Missing { path: String },
    #[error("app file path `{path}` is not allowed: expected a relative path without `..`")]
    Path { path: String },
    #[error("app file `{path}` could not be laid out: {source}")]
    Io { path: String, source: io::Error },
}

/// Why an upload did not become an app file.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("the file has the hash `{found}`, not `{expected}`: it changed while it was sent; deploy again")]
    Hash { expected: String, found: String },
    #[error("`mode` is `{found}`: expected the decimal number that stat gives, such as 33188")]
    Mode { found: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl AppFiles {
    pub fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    /// Those of `hashes` that are not here.
    pub fn missing(&self, account: &AccountId, hashes: &[String]) -> Vec<String> {
        hashes.iter().filter(|hash| self.find(account, hash).is_none()).cloned().collect()
    }

    /// Lays files, each a hash and a relative path, below a folder.
    pub fn materialize(
        &self,
        account: &AccountId,
        files: &[(String, String)],
        into: &Path,
    ) -> Result<(), MaterializeError> {
        for (hash, path) in files {
            let source = self.find(account, hash).ok_or_else(|| MaterializeError::Missing { path: path.clone() })?;
            let place = inner(path).ok_or_else(|| MaterializeError::Path { path: path.clone() })?;
            lay(&source, &into.join(place)).map_err(|source| MaterializeError::Io { path: path.clone(), source })?;
        }
        // Whoever is told that they lie there finds them there after a power failure too.
        let settled = fs::File::open(into).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
        settled.map_err(|source| MaterializeError::Io { path: ".".to_owned(), source })
    }

    pub(super) fn find(&self, account: &AccountId, hash: &str) -> Option<PathBuf> {
        let place = is_hash(hash).then(|| self.folder(account, hash).join(hash))?;
        place.is_file().then_some(place)
    }

    /// No folder gets large.
    fn folder(&self, account: &AccountId, hash: &str) -> PathBuf {
        self.root.join(folder_name(account)).join(&hash[..2])
    }

    /// Uploads under way.
    pub(super) fn parcels(&self) -> Parcels {
        // No folder of an account begins with a dot.
        Parcels::new(self.root.join(".uploads"))
    }

    /// Puts the parts of an upload together as the file `hash`, if that is what they are.
    pub(super) fn keep(
        &self,
        account: &AccountId,
        hash: &str,
        mode: &str,
        parcel: &Parcel,
        parts: &[(u32, String)],
    ) -> Result<(), KeepError> {
        let bits: u32 = mode.parse().map_err(|_| KeepError::Mode { found: mode.chars().take(20).collect() })?;
        let mut context = digest::Context::new(&digest::SHA256);
        let whole = parcel.join(parts, MAX_FILE, |bytes| context.update(bytes))?;
        context.update(mode.as_bytes());
        let found = hex::encode(context.finish());
        if found != hash {
            return Err(KeepError::Hash { expected: hash.to_owned(), found });
        }
        // Readable by this server whatever its owner wished; no set-user-id bits.
        fs::set_permissions(&whole, fs::Permissions::from_mode(bits & 0o777 | 0o400))?;
        let folder = self.folder(account, hash);
        fs::create_dir_all(&folder)?;
        Ok(fs::rename(whole, folder.join(hash))?)
    }
}

/// Whether `text` may name a file here.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A path that stays below the folder that it is joined to.
fn inner(path: &str) -> Option<PathBuf> {
    let parts: Option<PathBuf> = Path::new(path)
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| if let Component::Normal(name) = part { Some(name) } else { None })
        .collect();
    parts.filter(|path| !path.as_os_str().is_empty())
}

/// A copy, so that an app that writes into its files changes no other runner's.
fn lay(source: &Path, place: &Path) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(source, place)?;
    // The app owns its copy.
    let mut permissions = fs::metadata(place)?.permissions();
    permissions.set_mode(permissions.mode() | 0o200);
    fs::set_permissions(place, permissions)
}

#[cfg(test)]
#[path = "app_files_tests.rs"]
mod tests;
