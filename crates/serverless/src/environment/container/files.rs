//! The files of an image in a folder of this host.
//!
//! They were chosen by a stranger: a link among them may point anywhere, so nothing here follows one.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// Names over which the walls lay something, and which must therefore be there.
const FOLDERS: [&str; 10] = ["app", "data", "dev", "etc", "proc", "run", "sys", "tmp", "var", "var/tmp"];
const FILES: [&str; 5] = ["etc/group", "etc/hosts", "etc/nsswitch.conf", "etc/passwd", "etc/resolv.conf"];
/// Mount points of the build.
const LEFT: [&str; 2] = ["tintype", "tintype-cache"];
/// A longer chain of links is a circle.
const MOST_LINKS: usize = 32;

/// Where the files lie in an environment.
pub(in crate::environment) fn root(environment: &Path) -> PathBuf {
    environment.join("rootfs")
}

/// Makes it fit to be the root of a runner.
pub(super) fn furnish(root: &Path) -> io::Result<()> {
    for name in LEFT {
        // Fails where it is something else, which is then the image's own.
        let _ = fs::remove_dir(root.join(name));
    }
    for path in FOLDERS.map(|name| root.join(name)) {
        if !kind(&path).is_some_and(|kind| kind.is_dir()) {
            remove(&path)?;
            fs::create_dir(&path)?;
        }
    }
    // The folder is a folder by now, so these are names in it.
    for path in FILES.map(|name| root.join(name)) {
        if !kind(&path).is_some_and(|kind| kind.is_file()) {
            remove(&path)?;
            fs::File::create_new(&path)?;
        }
    }
    Ok(())
}

/// The program of the Python at `prefix`, as it is named inside.
pub(super) fn python(root: &Path, prefix: &Path, minor: &str) -> Option<PathBuf> {
    let names = [format!("python{minor}"), "python3".to_owned(), "python".to_owned()];
    let mut programs = names.iter().map(|name| prefix.join("bin").join(name));
    programs.find(|program| is_file_inside(root, program))
}

/// Whether `path` leads to a file, links being followed as they would be inside.
fn is_file_inside(root: &Path, path: &Path) -> bool {
    let (mut todo, mut place, mut links) = (names(path), PathBuf::new(), 0);
    while let Some(name) = todo.pop() {
        if name == ".." {
            place.pop();
            continue;
        }
        let next = place.join(&name);
        match fs::read_link(root.join(&next)) {
            Ok(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return false;
                }
                if target.is_absolute() {
                    place = PathBuf::new();
                }
                todo.extend(names(&target));
            }
            Err(_) => place = next,
        }
    }
    kind(&root.join(place)).is_some_and(|kind| kind.is_file())
}

/// The parts of a path, the first of them last.
fn names(path: &Path) -> Vec<std::ffi::OsString> {
    let part = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().rev().filter_map(part).collect()
}

fn kind(path: &Path) -> Option<fs::FileType> {
    fs::symlink_metadata(path).ok().map(|data| data.file_type())
}

fn remove(path: &Path) -> io::Result<()> {
    match kind(path) {
        None => Ok(()),
        Some(kind) if kind.is_dir() => fs::remove_dir_all(path),
        Some(_) => fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_in_an_image_leads_nowhere_on_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let (root, host) = (folder.path().join("root"), folder.path().join("host"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&host).unwrap();
        symlink(&host, root.join("etc")).unwrap();
        symlink(&host, root.join("tintype")).unwrap();
        fs::write(root.join("tmp"), "a file").unwrap();
        furnish(&root).unwrap();
        assert_eq!(fs::read_dir(&host).unwrap().count(), 0);
        assert!(root.join("etc/passwd").is_file() && root.join("tmp").is_dir());
        fs::write(root.join("etc/hosts"), "kept").unwrap();
        fs::remove_file(root.join("etc/group")).unwrap();
        symlink(host.join("group"), root.join("etc/group")).unwrap();
        furnish(&root).unwrap();
        assert!(!host.join("group").exists());
        assert_eq!(fs::read_to_string(root.join("etc/hosts")).unwrap(), "kept");
    }

    #[test]
    fn python_is_found_as_it_would_be_inside() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("usr/local/bin")).unwrap();
        fs::create_dir_all(root.join("opt/py/bin")).unwrap();
        fs::write(root.join("opt/py/bin/real"), "").unwrap();
        symlink("/opt/py/bin/real", root.join("usr/local/bin/python3")).unwrap();
        symlink("../local/bin/python3.12", root.join("usr/local/bin/python3.12")).unwrap();
        let prefix = Path::new("/usr/local");
        assert_eq!(python(root, prefix, "3.11"), Some("/usr/local/bin/python3".into()));
        symlink("/etc/passwd", root.join("usr/local/bin/python3.11")).unwrap();
        assert_eq!(python(root, prefix, "3.11"), Some("/usr/local/bin/python3".into()), "the host's file is not there");
    }
}
