//! Writing an object: a draft, flushed, then linked into place.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use ring::digest::{Context, SHA256};

use crate::{
    Blobs, PutError,
    error::BoxError,
    id,
    place::{blocking, ensure_folder, sync_folder},
};

/// Bytes gathered before one trip to the disk.
const BATCH: usize = 1 << 20;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: String,
    pub size: u64,
    /// Hex SHA-256 of the bytes.
    pub digest: String,
}

impl Blobs {
    /// Stores what `source` yields as object `id` (see [`crate::new_id`]). On stable storage when it returns.
    /// Storing the same bytes again succeeds, so that a caller whose answer got lost can repeat itself.
    pub async fn put<S, E>(&self, id: &str, source: S, limit: u64) -> Result<Stored, PutError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<BoxError>,
    {
        let id = checked(id)?.to_owned();
        let (draft, rest) = self.receive(source, limit).await?;
        let target = self.object(&id);
        blocking(move || {
            let mut draft = draft;
            draft.write(&rest)?;
            draft.place(&target, id)
        })
        .await
    }

    /// All of `source` but its last batch is on the disk when this returns; the last batch comes back, so that
    /// a small object costs one trip.
    pub(crate) async fn receive<S, E>(&self, source: S, limit: u64) -> Result<(Draft, Vec<Bytes>), PutError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<BoxError>,
    {
        let mut source = std::pin::pin!(source);
        let mut draft = Draft::new(self.draft(), limit);
        let mut batch = Vec::new();
        let mut waiting = 0;
        while let Some(chunk) = source.next().await {
            let chunk = chunk.map_err(|error| PutError::BrokenOff(error.into()))?;
            waiting += chunk.len();
            draft.admit(chunk.len())?;
            batch.push(chunk);
            if waiting >= BATCH {
                let full = std::mem::take(&mut batch);
                waiting = 0;
                draft = blocking(move || draft.with(&full)).await?;
            }
        }
        Ok((draft, batch))
    }
}

pub(crate) fn checked(id: &str) -> Result<&str, PutError> {
    if id::is_id(id) { Ok(id) } else { Err(PutError::BadId { id: id.chars().take(80).collect() }) }
}

/// A file under way. Dropping it removes it.
pub(crate) struct Draft {
    path: PathBuf,
    file: Option<File>,
    digest: Context,
    size: u64,
    limit: u64,
}

impl Draft {
    pub(crate) fn new(path: PathBuf, limit: u64) -> Self {
        Self { path, file: None, digest: Context::new(&SHA256), size: 0, limit }
    }

    /// Counts bytes against the limit, before they are written.
    pub(crate) fn admit(&mut self, bytes: usize) -> Result<(), PutError> {
        self.size += bytes as u64;
        if self.size > self.limit { Err(PutError::TooLarge { limit: self.limit }) } else { Ok(()) }
    }

    fn with(mut self, chunks: &[Bytes]) -> Result<Self, PutError> {
        self.write(chunks)?;
        Ok(self)
    }

    pub(crate) fn write(&mut self, chunks: &[Bytes]) -> Result<(), PutError> {
        for chunk in chunks {
            self.digest.update(chunk);
            self.file()?.write_all(chunk)?;
        }
        Ok(())
    }

    /// Appends all of `source`.
    pub(crate) fn append(&mut self, mut source: File, buffer: &mut [u8]) -> Result<(), PutError> {
        loop {
            let count = source.read(buffer)?;
            if count == 0 {
                return Ok(());
            }
            self.admit(count)?;
            self.digest.update(&buffer[..count]);
            self.file()?.write_all(&buffer[..count])?;
        }
    }

    pub(crate) fn digest_so_far(&self) -> String {
        hex::encode(self.digest.clone().finish())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?);
        }
        Ok(self.file.as_mut().expect("it was opened above"))
    }

    /// Flushes the draft and gives it its name. The link refuses to replace what is there.
    pub(crate) fn place(mut self, target: &Path, id: String) -> Result<Stored, PutError> {
        self.file()?.sync_data()?;
        let digest = self.digest_so_far();
        match link(&self.path, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if digest_of(target)? != digest {
                    return Err(PutError::Taken { id });
                }
            }
            other => other?,
        }
        Ok(Stored { id, size: self.size, digest })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.file.is_some() {
            // A draft that cannot be removed now is removed when the folder is opened next.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn link(draft: &Path, target: &Path) -> io::Result<()> {
    let folder = target.parent().unwrap_or(target);
    let linked = match std::fs::hard_link(draft, target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ensure_folder(folder)?;
            std::fs::hard_link(draft, target)
        }
        other => other,
    };
    linked?;
    sync_folder(folder)
}

pub(crate) fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; BATCH];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finish())),
            count => digest.update(&buffer[..count]),
        }
    }
}
