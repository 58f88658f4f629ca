//! Reading an object as a stream of large chunks.
//!
//! A chunk is read on the spot when the page cache has it, which spares a trip to another thread for each, and
//! its memory is used again once the chunk is sent, which keeps it in the processor's cache.

use std::{
    fs::File,
    io::{self, IoSliceMut},
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;
use rustix::io::{Errno, ReadWriteFlags};
use tokio::task::JoinHandle;

use crate::{
    Blobs, ReadError, id,
    place::blocking,
    pool::{Buffer, Pool},
};

/// The bytes of an object, or a range of them. The object may be deleted meanwhile; this reader keeps it.
pub struct Reader {
    file: Arc<File>,
    position: u64,
    end: u64,
    size: u64,
    pending: Option<JoinHandle<io::Result<Buffer>>>,
}

impl Blobs {
    /// Opens an object, whole or in part. A range must lie within the object.
    pub async fn read(&self, object: &str, range: Option<Range<u64>>) -> Result<Reader, ReadError> {
        let missing = || ReadError::NotFound { id: object.chars().take(80).collect() };
        if !id::is_id(object) {
            return Err(missing());
        }
        let path = self.object(object);
        let opened: Result<_, ReadError> = blocking(move || {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            // Only advice: reading works without it.
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
            Ok((file, size))
        })
        .await;
        let (file, size) = match opened {
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
            other => other?,
        };
        let Range { start, end } = range.unwrap_or(0..size);
        if start > end || end > size {
            return Err(ReadError::OutOfRange { id: object.to_owned(), size, start, end });
        }
        Ok(Reader { file: Arc::new(file), position: start, end, size, pending: None })
    }
}

impl Reader {
    /// Bytes of the whole object.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Bytes still to come.
    pub const fn remaining(&self) -> u64 {
        self.end - self.position
    }

    /// Reads the rest into memory; the caller knows that it is small enough.
    pub async fn into_bytes(mut self) -> io::Result<Bytes> {
        use futures::StreamExt;
        let mut whole = Vec::with_capacity(usize::try_from(self.remaining()).unwrap_or(0));
        while let Some(chunk) = self.next().await {
            whole.extend_from_slice(&chunk?);
        }
        Ok(whole.into())
    }

    fn wanted(&self) -> usize {
        usize::try_from(self.remaining()).unwrap_or(usize::MAX).min(Pool::CHUNK)
    }

    /// Reads without waiting for the disk; `None`: it would have to wait.
    fn read_cached(&self) -> Option<io::Result<Buffer>> {
        let mut buffer = Pool::take(self.wanted());
        let mut slices = [IoSliceMut::new(buffer.space())];
        match rustix::io::preadv2(&self.file, &mut slices, self.position, ReadWriteFlags::NOWAIT) {
            Ok(count) => Some(buffer.filled(count)),
            // Not in the page cache, or a file system that cannot tell.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::INTR) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    fn read_waiting(&self) -> JoinHandle<io::Result<Buffer>> {
        let (file, position, wanted) = (Arc::clone(&self.file), self.position, self.wanted());
        tokio::task::spawn_blocking(move || {
            let mut buffer = Pool::take(wanted);
            let count = file.read_at(buffer.space(), position)?;
            buffer.filled(count)
        })
    }

    fn advance(&mut self, read: io::Result<Buffer>) -> io::Result<Bytes> {
        let bytes = read.map(Bytes::from_owner);
        match &bytes {
            Ok(bytes) => self.position += bytes.len() as u64,
            Err(_) => self.position = self.end,
        }
        bytes
    }
}

impl Stream for Reader {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.pending.is_none() {
            if self.remaining() == 0 {
                return Poll::Ready(None);
            }
            match self.read_cached() {
                Some(read) => return Poll::Ready(Some(self.advance(read))),
                None => self.pending = Some(self.read_waiting()),
            }
        }
        let Some(pending) = self.pending.as_mut() else { return Poll::Ready(None) };
        let read = ready!(Pin::new(pending).poll(context)).unwrap_or_else(|failed| Err(io::Error::other(failed)));
        self.pending = None;
        Poll::Ready(Some(self.advance(read)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining().div_ceil(Pool::CHUNK as u64) as usize, None)
    }
}
