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
    /// The files of an image, which stand for the host's.
    pub(super) root: Option<PathBuf>,
}

const ROOTS: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];
/// Folders that a runner has for itself, whatever its image has there.
const OWN: [&str; 7] = ["/app", "/data", "/dev", "/proc", "/run", "/sys", "/tmp"];
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

    /// What the folder of an unpacked image shows. Whoever made the image chose its links, so that one is kept only
    /// where it cannot lead out; what is the runner's own in any case is not the image's.
    pub(in crate::local) fn of_image(root: &Path) -> io::Result<Self> {
        let mut system = Self { root: Some(root.to_owned()), ..Self::default() };
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let (kind, inside) = (entry.file_type()?, Path::new("/").join(entry.file_name()));
            if OWN.iter().any(|own| inside == Path::new(own)) {
                continue;
            }
            if kind.is_symlink() {
                let target = fs::read_link(entry.path())?;
                if target.components().all(|part| matches!(part, std::path::Component::Normal(_))) {
                    system.links.push((inside, target));
                }
            } else if kind.is_dir() && fs::read_dir(entry.path())?.next().is_some() {
                // In an empty one others may lay something, and could not if it were bound.
                system.folders.push(inside);
            }
        }
        system.folders.sort();
        system.links.sort();
        Ok(system)
    }

    /// Where something that is shown lies on the host.
    pub(super) fn outside(&self, inside: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.join(inside.strip_prefix("/").unwrap_or(inside)),
            None => inside.to_owned(),
        }
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
    fn a_link_of_an_image_leads_nowhere_on_the_host() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        for folder in ["usr/bin", "opt", "etc/ssl", "tmp/left"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        for (name, target) in [("bin", "usr/bin"), ("srv", "/etc"), ("lib", "../../root"), ("data", "/root")] {
            symlink(target, dir.path().join(name)).unwrap();
        }
        let system = System::of_image(dir.path()).unwrap();
        assert_eq!(system.folders, ["/etc", "/usr"].map(PathBuf::from));
        assert_eq!(system.links, [("/bin".into(), "usr/bin".into())]);
        assert_eq!(system.outside(Path::new("/usr")), dir.path().join("usr"));
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
