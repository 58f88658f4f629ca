//! How much memory a runner and its descendants hold, and how many they are, read from `/proc`.

use std::fs;

/// Deep enough for any honest runner; a bound on what a hostile one can make us read.
const MOST_PROCESSES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// Resident. Pages that processes share are counted once for each, so this errs on the high side.
    pub(super) bytes: u64,
    /// Processes and threads.
    pub(super) tasks: u32,
}

/// Of `pid` and its descendants. `None` where the system does not tell.
pub(super) fn weigh(pid: u32) -> Option<Weight> {
    let mut pages = resident_pages(pid)?;
    let (mut open, mut seen, mut tasks) = (vec![pid], 1, 0);
    while let Some(parent) = open.pop() {
        let (threads, children) = family(parent);
        tasks += threads;
        for child in children {
            seen += 1;
            pages += resident_pages(child).unwrap_or(0);
            if seen <= MOST_PROCESSES {
                open.push(child);
            }
        }
    }
    Some(Weight { bytes: pages * rustix::param::page_size() as u64, tasks })
}

/// Bytes that `pid` and its descendants have written to disks, as far as the system tells.
pub(super) fn written(pid: u32) -> u64 {
    let (mut open, mut seen, mut bytes) = (vec![pid], 0, 0);
    while let Some(process) = open.pop() {
        bytes += written_alone(process).unwrap_or(0);
        seen += 1;
        if seen <= MOST_PROCESSES {
            open.extend(family(process).1);
        }
    }
    bytes
}

fn written_alone(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
}

fn resident_pages(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

/// The number of threads, and the children of all of them: each thread has its own list.
fn family(pid: u32) -> (u32, Vec<u32>) {
    let threads: Vec<_> = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten().collect();
    let lists = threads.iter().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children = lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>());
    (threads.len() as u32, children.collect())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_some_memory_and_a_missing_one_is_unknown() {
        let weight = weigh(std::process::id()).unwrap();
        assert!(weight.bytes > 100_000 && weight.tasks >= 1);
        assert_eq!(weigh(u32::MAX), None);
        assert_eq!(written(u32::MAX), 0);
    }
}
