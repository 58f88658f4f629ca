//! How much memory a runner and its descendants hold, read from `/proc`.

use std::fs;

/// Deep enough for any honest runner; a bound on what a hostile one can make us read.
const MOST_PROCESSES: usize = 256;

/// Resident bytes of `pid` and its descendants. `None` where the system does not tell.
///
/// Pages that processes share are counted once for each, so this errs on the high side.
pub(super) fn resident_bytes(pid: u32) -> Option<u64> {
    let page = rustix::param::page_size() as u64;
    let mut total = resident_pages(pid)?;
    let (mut open, mut seen) = (vec![pid], 1);
    while let Some(parent) = open.pop() {
        for child in children(parent) {
            seen += 1;
            if seen > MOST_PROCESSES {
                return Some(total * page);
            }
            total += resident_pages(child).unwrap_or(0);
            open.push(child);
        }
    }
    Some(total * page)
}

fn resident_pages(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

/// Children of all threads: each thread has its own list.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_some_memory_and_a_missing_one_is_unknown() {
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
        assert_eq!(resident_bytes(u32::MAX), None);
    }
}
