//! Removes what has had its time: expired files, unfinished uploads, and bytes that no record claims.
//!
//! It takes no input: each round acts on what the store and the folder say. Bytes go before their record, so that a
//! crash in between leaves something that the next round finds.

use std::{io, time::Duration};

use axum::extract::FromRef;
use tintype_domain::Timestamp;
use tintype_store::StoreError;
use tokio_util::sync::CancellationToken;

use super::files::{Files, UPLOAD_LIFETIME};
use crate::Gateway;

const PERIOD: Duration = Duration::from_secs(30);
const BATCH: u32 = 200;
/// Rounds between two looks for unclaimed bytes; they are rare, and the look reads the whole folder.
const ROUNDS_PER_SEARCH: u64 = 240;
/// Younger bytes may be about to get their record.
const GRACE: Duration = Duration::from_secs(2 * UPLOAD_LIFETIME.as_secs());

/// The service; the server runs one.
pub struct Sweeper {
    files: Files,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error("the store could not be asked")]
    Store(#[from] StoreError),
    #[error("the object folder could not be swept")]
    Folder(#[from] io::Error),
}

impl Sweeper {
    pub fn new(gateway: &Gateway) -> Self {
        Self { files: Files::from_ref(gateway) }
    }

    #[cfg(test)]
    pub(crate) fn of(files: Files) -> Self {
        Self { files }
    }

    /// Sweeps until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for round in 0.. {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = period.tick() => {}
            }
            if let Err(error) = self.round(round % ROUNDS_PER_SEARCH == 0).await {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(cause, "could not sweep: {error}; trying again in {} s", PERIOD.as_secs());
            }
        }
    }

    pub(crate) async fn round(&self, search: bool) -> Result<(), SweepError> {
        let now = self.files.now();
        self.expired_files(now).await?;
        self.expired_uploads(now).await?;
        if search { self.unclaimed(now.minus(GRACE)).await } else { Ok(()) }
    }

    async fn expired_files(&self, now: Timestamp) -> Result<(), SweepError> {
        loop {
            let expired = self.files.store.expired_files(now, BATCH).await?;
            for file in &expired {
                self.files.blobs.delete(&file.id).await?;
                self.files.store.delete_file(&file.id).await?;
            }
            if expired.len() < BATCH as usize {
                return Ok(());
            }
        }
    }

    async fn expired_uploads(&self, now: Timestamp) -> Result<(), SweepError> {
        loop {
            let expired = self.files.store.expired_uploads(now, BATCH).await?;
            for upload in &expired {
                self.files.blobs.drop_upload(&upload.id).await?;
                self.files.blobs.delete(&upload.file).await?;
                self.files.store.delete_upload(&upload.id).await?;
            }
            if expired.len() < BATCH as usize {
                return Ok(());
            }
        }
    }

    /// What a crash left between bytes and record.
    async fn unclaimed(&self, before: Timestamp) -> Result<(), SweepError> {
        let Files { blobs, store, .. } = &self.files;
        for shard in blobs.shard_names().await? {
            for object in blobs.objects_before(&shard, before).await? {
                if store.file(&object).await?.is_none() {
                    blobs.delete(&object).await?;
                }
            }
        }
        for upload in blobs.uploads_before(before).await? {
            if store.upload(&upload).await?.is_none() {
                blobs.drop_upload(&upload).await?;
            }
        }
        Ok(())
    }
}
