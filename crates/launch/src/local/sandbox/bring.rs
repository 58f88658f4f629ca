//! Brings files into a private folder while somebody lives in it.
//!
//! Whoever lives there may put a link where a file is about to be written, at any moment. So nothing here goes by a
//! path: each step goes by the open folder above it, makes what must not be there yet, and follows no link.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Component, Path},
};

use rustix::{
    fs::{Mode, OFlags, fchmod, mkdirat, open, openat, symlinkat},
    io::Errno,
};

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::RDONLY);
const FILE: OFlags =
    OFlags::CREATE.union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::WRONLY);
/// The way into a private folder is closed above it.
const OPEN: Mode = Mode::from_raw_mode(0o755);

/// What lies at `from` comes to lie at `name` in `folder`; with an empty name, what is in it comes to lie in `folder`.
pub(super) fn bring(folder: &Path, name: &Path, from: &Path) -> io::Result<()> {
    let mut into = open(folder, FOLDER, Mode::empty())?;
    let mut names = Vec::new();
    for component in name.components() {
        let Component::Normal(name) = component else { return Err(io::ErrorKind::InvalidInput.into()) };
        names.push(name);
    }
    let Some((last, above)) = names.split_last() else { return fill(&into, from) };
    for name in above {
        into = enter(&into, name, true)?;
    }
    put(&into, last, from)
}

fn fill(into: &OwnedFd, from: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        put(into, &entry.file_name(), &entry.path())?;
    }
    Ok(())
}

fn put(into: &OwnedFd, name: &OsStr, from: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    if found.is_dir() {
        fill(&enter(into, name, false)?, from)
    } else if found.is_symlink() {
        Ok(symlinkat(fs::read_link(from)?, into, name)?)
    } else if found.is_file() {
        let mut file = File::from(openat(into, name, FILE, Mode::from_raw_mode(0o600))?);
        io::copy(&mut File::open(from)?, &mut file)?;
        // The store keeps files read-only; a private copy is the runner's own.
        Ok(fchmod(&file, Mode::from_raw_mode(found.permissions().mode() & 0o777 | 0o600))?)
    } else {
        Ok(())
    }
}

fn enter(into: &OwnedFd, name: &OsStr, may_be_there: bool) -> io::Result<OwnedFd> {
    match mkdirat(into, name, OPEN) {
        Err(Errno::EXIST) if may_be_there => {}
        made => made?,
    }
    Ok(openat(into, name, FOLDER, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn app(dir: &Path) -> std::path::PathBuf {
        let app = dir.join("app");
        fs::create_dir_all(app.join("deep")).unwrap();
        fs::write(app.join("deep/file"), "of the app").unwrap();
        fs::set_permissions(app.join("deep/file"), fs::Permissions::from_mode(0o544)).unwrap();
        symlink("deep/file", app.join("link")).unwrap();
        app
    }

    #[test]
    fn a_tree_is_brought_with_its_links_and_as_the_runners_own() {
        let dir = tempfile::tempdir().unwrap();
        let (from, into) = (app(dir.path()), dir.path().join("private"));
        fs::create_dir(&into).unwrap();
        bring(&into, Path::new(""), &from).unwrap();
        assert_eq!(fs::read_to_string(into.join("link")).unwrap(), "of the app");
        assert_eq!(fs::metadata(into.join("deep/file")).unwrap().permissions().mode() & 0o777, 0o744);
        bring(&into, Path::new("other/name"), &from.join("deep/file")).unwrap();
        bring(&into, Path::new("other/second"), &from.join("deep/file")).unwrap();
        assert_eq!(fs::read_to_string(into.join("other/second")).unwrap(), "of the app");
    }

    #[test]
    fn a_link_that_lies_in_wait_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let from = app(dir.path());
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "of the host").unwrap();
        for (name, target) in [("deep", &outside), ("link", &outside.join("new"))] {
            let into = dir.path().join(format!("private-{name}"));
            fs::create_dir(&into).unwrap();
            symlink(target, into.join(name)).unwrap();
            bring(&into, Path::new(""), &from).unwrap_err();
            bring(&into, &Path::new(name).join("file"), &from.join("deep/file")).unwrap_err();
        }
        bring(&outside, Path::new("../up"), &from).unwrap_err();
        assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "of the host");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }
}
