//! The machine's GPUs, lent by index.
//!
//! A runner inside walls sees only the device files of its own, so the driver numbers them from zero there. A plain
//! child sees all files and is told its numbers.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Clone, Debug)]
pub(crate) struct Gpus {
    present: BTreeSet<u32>,
    free: Arc<Mutex<BTreeSet<u32>>>,
    /// Files that every user of a GPU needs.
    shared: Vec<PathBuf>,
}

/// Some of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) indices: BTreeSet<u32>,
    gpus: Gpus,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Short {
    Never { present: u32 },
    Now { free: u32, present: u32 },
}

const SHARED: [&str; 4] = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset"];

impl Gpus {
    /// `devices` is `/dev`.
    pub(crate) fn find(devices: &Path) -> Self {
        let names = fs::read_dir(devices).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let index = |name: std::ffi::OsString| name.to_str()?.strip_prefix("nvidia")?.parse().ok();
        let present: BTreeSet<u32> = names.filter_map(index).collect();
        let shared = SHARED.iter().map(|name| devices.join(name)).filter(|path| path.exists()).collect();
        Self { free: Arc::new(Mutex::new(present.clone())), present, shared }
    }

    pub(crate) fn count(&self) -> u32 {
        self.present.len() as u32
    }

    pub(super) fn lend(&self, wanted: u32) -> Result<Lease, Short> {
        if wanted > self.count() {
            return Err(Short::Never { present: self.count() });
        }
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let indices: BTreeSet<u32> = free.iter().copied().take(wanted as usize).collect();
        if indices.len() < wanted as usize {
            return Err(Short::Now { free: free.len() as u32, present: self.count() });
        }
        free.retain(|index| !indices.contains(index));
        drop(free);
        Ok(Lease { indices, gpus: self.clone() })
    }
}

impl Gpus {
    /// Those that somebody has already. What is not here, or is somebody else's, is not lent.
    pub(super) fn lend_again(&self, wanted: &BTreeSet<u32>) -> Lease {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let indices: BTreeSet<u32> = free.intersection(wanted).copied().collect();
        free.retain(|index| !indices.contains(index));
        drop(free);
        Lease { indices, gpus: self.clone() }
    }
}

impl Lease {
    /// Device files that must be seen.
    pub(super) fn devices(&self) -> Vec<PathBuf> {
        if self.indices.is_empty() {
            return Vec::new();
        }
        let own = self.indices.iter().map(|index| PathBuf::from(format!("/dev/nvidia{index}")));
        self.gpus.shared.iter().cloned().chain(own).collect()
    }

    /// The variables by which libraries find them. Without GPUs none are told: a plain child of this house chooses
    /// for itself.
    pub(super) fn variables(&self, walled: bool) -> Vec<(String, String)> {
        if self.indices.is_empty() {
            return Vec::new();
        }
        let seen: Vec<String> = if walled {
            (0..self.indices.len()).map(|index| index.to_string()).collect()
        } else {
            self.indices.iter().map(ToString::to_string).collect()
        };
        vec![("CUDA_DEVICE_ORDER".into(), "PCI_BUS_ID".into()), ("CUDA_VISIBLE_DEVICES".into(), seen.join(","))]
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.gpus.free.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.indices);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> (tempfile::TempDir, Gpus) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-caps", "sda"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let gpus = Gpus::find(dir.path());
        (dir, gpus)
    }

    #[test]
    fn no_gpu_is_lent_twice_and_a_returned_one_again() {
        let (_dir, gpus) = machine();
        let first = gpus.lend(1).unwrap();
        let second = gpus.lend(1).unwrap();
        assert_eq!((&first.indices, &second.indices), (&[0].into(), &[1].into()));
        assert_eq!(gpus.lend(1).unwrap_err(), Short::Now { free: 0, present: 2 });
        drop(first);
        assert_eq!(gpus.lend(1).unwrap().indices, [0].into());
        assert_eq!(gpus.lend(3).unwrap_err(), Short::Never { present: 2 });
    }

    #[test]
    fn what_a_runner_of_the_last_server_has_is_lent_to_nobody_else() {
        let (_dir, gpus) = machine();
        let kept = gpus.lend_again(&[0, 7].into());
        assert_eq!(kept.indices, [0].into());
        assert_eq!(gpus.lend(1).unwrap().indices, [1].into());
    }

    #[test]
    fn inside_walls_the_numbers_begin_at_zero() {
        let (_dir, gpus) = machine();
        let _first = gpus.lend(1).unwrap();
        let second = gpus.lend(1).unwrap();
        assert_eq!(second.variables(true)[1].1, "0");
        assert_eq!(second.variables(false)[1].1, "1");
        assert!(second.devices().contains(&PathBuf::from("/dev/nvidia1")));
        assert!(gpus.lend(0).unwrap().variables(false).is_empty());
    }
}
