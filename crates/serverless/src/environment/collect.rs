//! Disk space: what nobody uses goes when all of it together is too much.
//!
//! Packages are linked between the downloads and the environments, so a file counts once, and is gone when the last
//! that holds it goes. Downloads go first: nothing runs in them.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    shelf::{folders, id_of, is_folder, last_use},
    workshop::Workshop,
};

pub(super) async fn collect(shop: &Arc<Workshop>, used: &[String]) {
    let (shop, used) = (Arc::clone(shop), used.iter().cloned().collect());
    // It walks over many files.
    let walked = tokio::task::spawn_blocking(move || sweep(&shop, &used)).await;
    if let Err(error) = walked {
        tracing::error!(%error, "collecting environments failed");
    }
}

fn sweep(shop: &Workshop, used: &BTreeSet<String>) {
    let (budget, grace) = (shop.options.budget_bytes, shop.options.grace);
    let mut files = Files::default();
    let mut built: Vec<_> = folders(&shop.shelf.built()).into_iter().map(|path| (files.add(&path), path)).collect();
    let rooms = folders(&shop.shelf.root().join("work")).into_iter();
    let caches = rooms.map(|room| room.join("cache")).filter(|cache| is_folder(cache));
    let caches: Vec<_> = caches.map(|path| (files.add(&path), path)).collect();
    if files.bytes > budget {
        // Not while a build is under way: it links from there.
        if let Ok(_alone) = shop.downloads.try_write() {
            for (held, path) in &caches {
                shop.shelf.discard(path);
                files.remove(held);
            }
        }
    }
    built.sort_by_key(|(_, path)| last_use(path));
    let unused = built.iter().filter_map(|(held, path)| Some((held, path, id_of(path)?.0)));
    for (held, path, id) in unused.filter(|(_, _, id)| !used.contains(id)) {
        let goes = files.bytes > budget || shop.shelf.is_superseded(path);
        if goes && shop.shelf.evict(path, &id, grace) {
            files.remove(held);
            tracing::info!(environment = %id, "dropped an environment that is in no use");
        }
    }
    if files.bytes > budget {
        let (held, allowed) = (files.bytes >> 20, budget >> 20);
        tracing::warn!("environments in use take {held} MiB of disk, and their budget is {allowed} MiB");
    }
    shop.shelf.empty_trash();
}

/// Which files there are, and how many of the folders hold each.
#[derive(Default)]
struct Files {
    bytes: u64,
    holders: HashMap<u64, (u32, u64)>,
}

impl Files {
    /// The files below `folder`.
    fn add(&mut self, folder: &Path) -> Vec<u64> {
        let mut held = BTreeSet::new();
        let mut open: Vec<PathBuf> = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(data) = entry.metadata() else { continue };
                if data.is_dir() {
                    open.push(entry.path());
                }
                if held.insert(data.ino()) {
                    self.hold(data.ino(), data.blocks() * 512);
                }
            }
        }
        held.into_iter().collect()
    }

    fn hold(&mut self, file: u64, bytes: u64) {
        let holders = self.holders.entry(file).or_insert((0, bytes));
        if holders.0 == 0 {
            self.bytes += bytes;
        }
        holders.0 += 1;
    }

    fn remove(&mut self, held: &[u64]) {
        for file in held {
            if let Some((holders, bytes)) = self.holders.get_mut(file).filter(|(holders, _)| *holders > 0) {
                *holders -= 1;
                self.bytes -= if *holders == 0 { *bytes } else { 0 };
            }
        }
    }
}
