//! The files that programs are pointed at: certificates to trust, and the preload for Node.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, found::Found};

const PRELOAD: &str = include_str!("preload.cjs");

/// Where systems keep the roots that they trust.
const SYSTEM_ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

pub(super) struct Files {
    /// The system's roots and the server's authority: programs that read a variable trust nothing else.
    pub(super) bundle: PathBuf,
    pub(super) authority: PathBuf,
    pub(super) preload: PathBuf,
}

/// Beside the server's data where that is this user's, else in the cache folder.
pub(super) fn folder(found: &Found) -> Result<PathBuf, Failure> {
    let beside = found.data.join("exec");
    if found.data.is_dir() && fs::create_dir_all(&beside).is_ok() {
        return Ok(beside);
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache");
    let folder = cache.unwrap_or_else(home).join("tintype/exec");
    fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
    Ok(folder)
}

pub(super) fn write(folder: &Path, authority: &str) -> Result<Files, Failure> {
    let roots = system_roots(|name| env::var(name).ok());
    // The name says which authority it is: several servers may share the folder.
    let mark = authority
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let file = |name: &str| folder.join(format!("{mark:016x}-{name}"));
    let files = Files { bundle: file("bundle.pem"), authority: file("authority.pem"), preload: file("preload.cjs") };
    put(&files.bundle, &format!("{roots}\n{authority}"))?;
    put(&files.authority, authority)?;
    put(&files.preload, PRELOAD)?;
    Ok(files)
}

/// What the program would trust without us.
fn system_roots(variable: impl Fn(&str) -> Option<String>) -> String {
    let named = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"].into_iter().filter_map(variable);
    let candidates = named.chain(SYSTEM_ROOTS.map(Into::into));
    candidates.into_iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

/// Another `tintype exec` may write the same at the same time: readers see one or the other, never half of one.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    fs::write(&draft, text).and_then(|()| fs::rename(&draft, path)).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("could not write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_holds_what_was_trusted_before_and_the_authority() {
        let folder = env::temp_dir().join(format!("tintype-bundle-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = write(&folder, "OWN").unwrap();
        let bundle = fs::read_to_string(&files.bundle).unwrap();
        let roots = system_roots(|_| None);
        fs::remove_dir_all(&folder).unwrap();
        assert!(bundle.ends_with("OWN") && bundle.starts_with(&roots));
    }

    #[test]
    fn a_bundle_that_the_user_named_is_what_was_trusted_before() {
        let path = env::temp_dir().join(format!("tintype-roots-{}.pem", std::process::id()));
        fs::write(&path, "NAMED").unwrap();
        let text = path.display().to_string();
        let roots = system_roots(|name| (name == "SSL_CERT_FILE").then(|| text.clone()));
        fs::remove_file(&path).unwrap();
        assert_eq!(roots, "NAMED");
    }
}
