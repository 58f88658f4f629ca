//! Disks that are really full or really cannot be written: small file systems in memory, mounted in a namespace of
//! their own by a second process.

use std::{path::Path, process::Command};

use bytes::Bytes;
use tintype_store::{
    EnqueueError, Enqueued, NewRequest, Store, StoreError,
    conformance::sample::{enqueue, id, request, run_through},
    sqlite,
};

const FOLDER: &str = "TINTYPE_DISK_FOLDER";

#[test]
fn a_disk_that_is_really_full_refuses_new_work_until_there_is_room() {
    on_disk("size=10m", "the_process_with_a_small_disk");
}

#[test]
fn a_folder_that_cannot_be_written_is_named_at_the_start() {
    on_disk("size=1m,ro", "the_process_with_a_read_only_disk");
}

/// Runs one of the ignored tests below in a process that has such a disk.
fn on_disk(options: &str, test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {options} none \"$0\"");
    let possible = Command::new("unshare").args(["-rm", "sh", "-c", &mount]).arg(folder.path()).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this machine gives no namespace to mount a small disk in");
        return;
    }
    let script = format!("{mount} && exec \"$1\" --exact {test} --ignored --nocapture");
    let child = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "it is the other process of a test above"]
fn the_process_with_a_read_only_disk() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let error = sqlite::open(Path::new(&folder)).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot write in the data folder {folder}"));
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().starts_with("Read-only file system"), "{source}");
}

#[tokio::test]
#[ignore = "it is the other process of a test above"]
async fn the_process_with_a_small_disk() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (folder, ballast) = (Path::new(&folder), Path::new(&folder).join("ballast"));
    std::fs::write(&ballast, vec![1; 6_000_000]).unwrap();
    let store = sqlite::open(folder).unwrap();
    run_through(&store, request(1), 1).await;

    let mut accepted = 0u8;
    let refusal = loop {
        match store.enqueue(big(accepted + 2)).await {
            Ok(_) => accepted += 1,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, EnqueueError::Store(StoreError::DiskFull)), "{refusal:?}");
    assert!(accepted > 3);
    assert_eq!(store.pending().await.unwrap().len(), usize::from(accepted));
    assert!(store.result(id(1)).await.unwrap().is_some());

    // Room enough for the log to be folded into the database.
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(store.enqueue(big(accepted + 2)).await.unwrap(), Enqueued::New);
    drop(store);
    let store = sqlite::open(folder).unwrap();
    assert_eq!(store.pending().await.unwrap().len(), usize::from(accepted) + 1);
    enqueue(&store, request(200)).await;
}

fn big(n: u8) -> NewRequest {
    NewRequest { body: Bytes::from(vec![n; 200_000]), ..request(n) }
}
