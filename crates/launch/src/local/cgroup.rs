//! Limits that the kernel keeps: one control group for each runner, where the machine lets us make them.
//!
//! Both kinds of hierarchy are in use, some machines have a mixture, and in many containers neither can be written.
//! What is missing is done without: memory is then watched from outside, and processes are counted.

mod find;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

/// A period of the processor quota, in microseconds.
const PERIOD: u64 = 100_000;
/// bubblewrap itself and the first process inside count too.
const OWN_PROCESSES: u32 = 4;

/// What is still dying in a group keeps it a moment longer: it goes when the next one is made, or the next server sweeps
/// it.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn left() -> MutexGuard<'static, Vec<PathBuf>> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where groups can be made, by what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cgroups {
    places: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    parent: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// All in one.
    Unified,
    Memory,
    Processes,
    Processor,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Limits {
    pub(super) memory: Option<u64>,
    pub(super) cpus: Option<f32>,
    pub(super) processes: Option<u32>,
}

/// The groups of one runner; removed when dropped.
#[derive(Debug)]
pub(super) struct Group {
    places: Vec<Place>,
}

impl Cgroups {
    /// Looks at what is mounted and tries to make a group in it.
    pub(crate) fn find() -> Self {
        find::find(Path::new("/proc/self")).unwrap_or_default()
    }

    pub(super) fn holds_memory(&self) -> bool {
        self.holds(Kind::Memory)
    }

    pub(super) fn holds_processes(&self) -> bool {
        self.holds(Kind::Processes)
    }

    fn holds(&self, wanted: Kind) -> bool {
        self.places.iter().any(|place| place.kind == Kind::Unified || place.kind == wanted)
    }

    /// In words, for people.
    pub(crate) fn describe(&self) -> String {
        let word = |kind| match kind {
            Kind::Unified => "memory, processes and processor time",
            Kind::Memory => "memory",
            Kind::Processes => "processes",
            Kind::Processor => "processor time",
        };
        match self.places.as_slice() {
            [] => "by watching memory and processes from outside: no control groups can be made here".into(),
            places => {
                let words: Vec<_> = places.iter().map(|place| word(place.kind)).collect();
                format!("by control groups: {}", words.join(", "))
            }
        }
    }

    /// Makes the groups of one runner. `name` is unique on this machine. `None` where none can be made.
    pub(super) fn make(&self, name: &str, limits: Limits) -> io::Result<Option<Group>> {
        left().retain(|path| fs::remove_dir(path).is_err_and(|error| error.kind() != io::ErrorKind::NotFound));
        let mut group = Group { places: Vec::new() };
        for place in &self.places {
            let path = place.parent.join(name);
            fs::create_dir(&path)?;
            group.places.push(Place { parent: path.clone(), kind: place.kind });
            place.kind.limit(&path, limits)?;
        }
        Ok((!group.places.is_empty()).then_some(group))
    }
}

impl Kind {
    fn limit(self, group: &Path, limits: Limits) -> io::Result<()> {
        let set = |file: &str, value: String| fs::write(group.join(file), value);
        let processes = limits.processes.map(|count| (count + OWN_PROCESSES).to_string());
        if let (Self::Unified | Self::Processes, Some(count)) = (self, processes) {
            set("pids.max", count)?;
        }
        match (self, limits.memory) {
            (Self::Unified, Some(bytes)) => {
                set("memory.max", bytes.to_string())?;
                // Swapping would make a runner slow instead of telling that it is too large.
                let _ = set("memory.swap.max", "0".into());
            }
            (Self::Memory, Some(bytes)) => {
                set("memory.limit_in_bytes", bytes.to_string())?;
                let _ = set("memory.memsw.limit_in_bytes", bytes.to_string());
            }
            _ => {}
        }
        match (self, limits.cpus) {
            (Self::Unified, Some(cpus)) => {
                set("cpu.max", format!("{} {PERIOD}", quota(cpus)))?;
                set("cpu.weight", ((cpus * 100.0) as u64).clamp(1, 10_000).to_string())
            }
            (Self::Processor, Some(cpus)) => {
                set("cpu.cfs_period_us", PERIOD.to_string())?;
                set("cpu.cfs_quota_us", quota(cpus).to_string())?;
                set("cpu.shares", ((cpus * 1024.0) as u64).max(2).to_string())
            }
            _ => Ok(()),
        }
    }
}

/// Less than one core is a share of a busy machine, and no brake on an idle one: a start would take twice as long.
fn quota(cpus: f32) -> u64 {
    (f64::from(cpus.max(1.0)) * PERIOD as f64) as u64
}

impl Group {
    /// What is needed to know it again.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// One that an earlier server made.
    pub(super) fn again(places: Vec<Place>) -> Option<Self> {
        (!places.is_empty()).then_some(Self { places })
    }

    /// Files by which a process that is about to begin joins.
    pub(super) fn doors(&self) -> io::Result<Vec<OwnedFd>> {
        let open = |place: &Place| OpenOptions::new().write(true).open(place.parent.join("cgroup.procs"));
        self.places.iter().map(|place| open(place).map(File::into)).collect()
    }

    /// Whether the kernel killed something for want of memory.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.count(&[(Kind::Unified, "memory.events"), (Kind::Memory, "memory.oom_control")], "oom_kill") > 0
    }

    /// How often a process or thread was refused.
    pub(super) fn refused_processes(&self) -> u64 {
        self.count(&[(Kind::Unified, "pids.events"), (Kind::Processes, "pids.events")], "max")
    }

    fn count(&self, files: &[(Kind, &str)], word: &str) -> u64 {
        let file = |place: &Place| files.iter().find(|(kind, _)| *kind == place.kind).map(|(_, name)| *name);
        let found = self.places.iter().filter_map(|place| Some(place.parent.join(file(place)?)));
        found.filter_map(|path| entry(&fs::read_to_string(path).ok()?, word)).sum()
    }
}

/// `word 3` on a line of its own.
fn entry(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')?.trim().parse().ok())
}

impl Drop for Group {
    fn drop(&mut self) {
        for place in &self.places {
            if fs::remove_dir(&place.parent).is_err() {
                left().push(place.parent.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_core_does_not_brake_a_start() {
        assert_eq!(quota(0.5), 100_000);
        assert_eq!(quota(2.5), 250_000);
    }

    #[test]
    fn a_count_is_read_from_the_line_that_bears_its_name() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
        assert_eq!(entry(text, "oom_kill"), Some(2));
        assert_eq!(entry(text, "oom"), None);
    }

    #[test]
    fn limits_are_written_as_either_hierarchy_wants_them() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { memory: Some(1 << 30), cpus: Some(2.0), processes: Some(100) };
        let read = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap();
        Kind::Unified.limit(dir.path(), limits).unwrap();
        assert_eq!(
            (read("memory.max"), read("cpu.max"), read("pids.max")),
            ("1073741824".into(), "200000 100000".into(), "104".into())
        );
        for kind in [Kind::Memory, Kind::Processes, Kind::Processor] {
            kind.limit(dir.path(), limits).unwrap();
        }
        assert_eq!((read("memory.limit_in_bytes"), read("cpu.cfs_quota_us")), ("1073741824".into(), "200000".into()));
    }
}
