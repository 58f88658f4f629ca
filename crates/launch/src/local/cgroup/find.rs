//! Where groups can be made: beside or below the one that this process is in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Cgroups, Kind, Place};

const PREFIX: &str = "tintype-";
const WANTED: [&str; 3] = ["memory", "pids", "cpu"];

/// `own` is `/proc/self`.
pub(super) fn find(own: &Path) -> io::Result<Cgroups> {
    let groups = fs::read_to_string(own.join("cgroup"))?;
    let mounts = fs::read_to_string(own.join("mountinfo"))?;
    let mounts: Vec<_> = mounts.lines().filter_map(Mount::read).collect();
    if let Some(parent) = unified(&groups, &mounts) {
        sweep(&parent);
        return Ok(Cgroups { places: vec![Place { parent, kind: Kind::Unified }] });
    }
    let kinds = [("memory", Kind::Memory), ("pids", Kind::Processes), ("cpu", Kind::Processor)];
    let place = |(controller, kind)| {
        let mount = mounts.iter().find(|mount| mount.kind == "cgroup" && mount.has(controller))?;
        let path = own_group(&groups, |controllers| controllers.split(',').any(|one| one == controller))?;
        let parent = mount.inside(&path);
        usable(&parent).then(|| {
            sweep(&parent);
            Place { parent, kind }
        })
    };
    Ok(Cgroups { places: kinds.into_iter().filter_map(place).collect() })
}

struct Mount {
    /// What part of the hierarchy is mounted.
    root: String,
    at: PathBuf,
    kind: String,
    options: String,
}

impl Mount {
    /// A line of `mountinfo`.
    fn read(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let (mut left, mut right) = (left.split(' ').skip(3), right.split(' '));
        let (root, at) = (left.next()?.to_owned(), PathBuf::from(left.next()?));
        let kind = right.next()?.to_owned();
        let options = right.nth(1).unwrap_or_default().to_owned();
        kind.starts_with("cgroup").then_some(Self { root, at, kind, options })
    }

    fn has(&self, controller: &str) -> bool {
        self.options.split(',').any(|option| option == controller)
    }

    /// The folder of the group `path`.
    fn inside(&self, path: &str) -> PathBuf {
        let below = path.strip_prefix(self.root.trim_end_matches('/')).unwrap_or("");
        let folder = self.at.join(below.trim_start_matches('/'));
        if folder.is_dir() { folder } else { self.at.clone() }
    }
}

/// The group of this process in the hierarchy whose list of controllers fits.
fn own_group(groups: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let mut lines = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    lines.find(|(controllers, _)| fits(controllers)).map(|(_, path)| path.to_owned())
}

fn unified(groups: &str, mounts: &[Mount]) -> Option<PathBuf> {
    let mount = mounts.iter().find(|mount| mount.kind == "cgroup2")?;
    let own = mount.inside(&own_group(groups, str::is_empty)?);
    let offered = fs::read_to_string(own.join("cgroup.controllers")).ok()?;
    if !WANTED.iter().all(|wanted| offered.split_whitespace().any(|one| one == *wanted)) {
        return None;
    }
    // A group that has processes of its own gives nothing to groups below it, but for the root of all.
    [own.clone(), mount.at.clone()]
        .into_iter()
        .find(|parent| delegate(parent).is_ok() && usable(parent))
        .or_else(|| make_way(&own).ok().filter(|parent| usable(parent)))
}

fn delegate(parent: &Path) -> io::Result<()> {
    fs::write(parent.join("cgroup.subtree_control"), "+memory +pids +cpu")
}

/// Moves this process into a group below its own, so that its own can have others. Fails where it is not alone there.
fn make_way(own: &Path) -> io::Result<PathBuf> {
    let aside = own.join(format!("{PREFIX}{}-server", std::process::id()));
    fs::create_dir(&aside)?;
    let moved = fs::write(aside.join("cgroup.procs"), "0").and_then(|()| delegate(own));
    if let Err(error) = moved {
        let _ = fs::write(own.join("cgroup.procs"), "0");
        let _ = fs::remove_dir(&aside);
        return Err(error);
    }
    Ok(own.to_owned())
}

/// Only trying tells.
fn usable(parent: &Path) -> bool {
    let trial = parent.join(format!("{PREFIX}{}-trial", std::process::id()));
    let made = fs::create_dir(&trial).is_ok();
    let joinable = made && fs::OpenOptions::new().write(true).open(trial.join("cgroup.procs")).is_ok();
    made && fs::remove_dir(&trial).is_ok() && joinable
}

/// Removes what servers left that are gone: their groups are empty.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let server = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if server.is_some_and(|server| !Path::new(&format!("/proc/{server}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(groups: &str, mounts: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("self");
        fs::create_dir(&own).unwrap();
        fs::write(own.join("cgroup"), groups).unwrap();
        fs::write(own.join("mountinfo"), mounts.replace('@', &dir.path().display().to_string())).unwrap();
        (dir, own)
    }

    #[test]
    fn a_mixed_machine_is_read_by_controller() {
        let groups = "8:pids:/\n4:memory:/box/one\n1:cpu,cpuacct:/\n0::/\n";
        let mounts = "30 20 0:26 / @/memory rw - cgroup cgroup rw,memory\n\
                      31 20 0:27 / @/pids rw - cgroup cgroup rw,pids\n\
                      32 20 0:28 / @/unified rw - cgroup2 cgroup2 rw\n";
        let (dir, own) = machine(groups, mounts);
        fs::create_dir_all(dir.path().join("memory/box/one")).unwrap();
        let mounts = fs::read_to_string(own.join("mountinfo")).unwrap();
        let mounts: Vec<_> = mounts.lines().filter_map(Mount::read).collect();
        assert_eq!(mounts[0].inside("/box/one"), dir.path().join("memory/box/one"));
        assert_eq!(mounts[0].inside("/elsewhere"), dir.path().join("memory"));
        assert!(mounts[1].has("pids") && !mounts[1].has("memory"));
        assert_eq!(own_group(groups, str::is_empty).as_deref(), Some("/"));
        // Plain folders stand for the hierarchies here; no process can join them.
        assert_eq!(find(&own).unwrap(), Cgroups::default());
    }

    #[test]
    fn a_container_that_sees_only_its_own_part_finds_itself_at_the_mount() {
        let mount = Mount::read("30 20 0:26 /docker/abc /nowhere/cgroup ro - cgroup2 cgroup rw").unwrap();
        assert_eq!(mount.inside("/docker/abc"), PathBuf::from("/nowhere/cgroup"));
    }
}
