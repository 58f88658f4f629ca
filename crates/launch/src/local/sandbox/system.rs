//! The part of the host that every sandbox shows: programs and libraries, and the little of `/etc` that they need.
//!
//! `/etc` as a whole stays outside: a server that runs as root could read the host's secrets there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What is shown, found once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::local) struct System {
    pub(super) folders: Vec<PathBuf>,
    /// A link and what it points to: on most systems `/bin` is `usr/bin`.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
    pub(super) etc: Vec<PathBuf>,
}

const ROOTS: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];
const ETC: [&str; 14] = [
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "pki",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
];

impl System {
    pub(in crate::local) fn find() -> Self {
        let mut system = Self::default();
        for root in ROOTS.map(PathBuf::from) {
            match fs::symlink_metadata(&root) {
                Ok(found) if found.is_symlink() => {
                    system.links.extend(fs::read_link(&root).ok().map(|target| (root, target)));
                }
                Ok(_) => system.folders.push(root),
                Err(_) => {}
            }
        }
        let etc = ETC.iter().map(|name| Path::new("/etc").join(name));
        system.etc = etc.filter(|path| path.exists()).collect();
        system
    }
}

/// Small files that stand for the host's own: names of users, hosts and where to ask for more of them.
pub(super) fn write_etc(folder: &Path, share_host_names: bool) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    fs::create_dir_all(folder)?;
    let files = [
        ("passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\napp:x:1000:1000:app:/tmp/home:/bin/sh\n"),
        ("group", "root:x:0:\napp:x:1000:\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
        ("hosts", "127.0.0.1 localhost runner\n::1 localhost\n"),
        // Those with a way out find an answer there, the others a quick no.
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n"),
    ];
    let mut shown = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        // Other runners have the file mounted: it is written once.
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(&path, text)?;
        }
        shown.push((PathBuf::from(name), path));
    }
    if share_host_names {
        let own = ["hosts", "resolv.conf"];
        shown.retain(|(name, _)| !own.iter().any(|own| name == Path::new(own)));
        for name in own {
            // A link may lead to a folder that the sandbox does not show.
            shown.extend(fs::canonicalize(Path::new("/etc").join(name)).ok().map(|path| (name.into(), path)));
        }
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_secrets_are_not_among_what_is_shown() {
        let system = System::find();
        assert!(system.folders.contains(&PathBuf::from("/usr")));
        for shown in &system.etc {
            assert!(!Path::new("/etc/ssl/private").starts_with(shown), "{}", shown.display());
            assert!(!Path::new("/etc/shadow").starts_with(shown), "{}", shown.display());
        }
    }

    #[test]
    fn names_of_the_host_are_shown_only_to_those_who_share_its_network() {
        let dir = tempfile::tempdir().unwrap();
        let names = |share| -> Vec<_> {
            let shown = write_etc(dir.path(), share).unwrap();
            shown.into_iter().filter(|(_, from)| from.starts_with("/etc")).map(|(name, _)| name).collect()
        };
        assert!(names(false).is_empty());
        assert!(names(true).contains(&PathBuf::from("hosts")));
    }
}
