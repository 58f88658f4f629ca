//! Memory for chunks, used again and again.

use std::{io, sync::Mutex};

/// Free buffers. At most [`Pool::KEPT`] are kept, which bounds what an idle server holds.
pub(crate) struct Pool(Mutex<Vec<Vec<u8>>>);

static POOL: Pool = Pool(Mutex::new(Vec::new()));

impl Pool {
    /// One chunk: large enough that a call into the system is cheap beside it, small enough that it is still in
    /// the processor's cache when it is sent.
    pub(crate) const CHUNK: usize = 256 << 10;
    const KEPT: usize = 16;

    /// A buffer for `wanted` bytes, at most [`Self::CHUNK`].
    pub(crate) fn take(wanted: usize) -> Buffer {
        if wanted < Self::CHUNK / 4 {
            return Buffer { memory: vec![0; wanted], length: wanted };
        }
        let free = POOL.0.lock().ok().and_then(|mut free| free.pop());
        Buffer { memory: free.unwrap_or_else(|| vec![0; Self::CHUNK]), length: wanted.min(Self::CHUNK) }
    }

    fn give_back(memory: Vec<u8>) {
        if memory.len() == Self::CHUNK
            && let Ok(mut free) = POOL.0.lock()
            && free.len() < Self::KEPT
        {
            free.push(memory);
        }
    }
}

/// A chunk's memory; it returns to the pool when the last reader drops it.
pub(crate) struct Buffer {
    memory: Vec<u8>,
    length: usize,
}

impl Buffer {
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.memory[..self.length]
    }

    /// `count` bytes were read into it. None at all means that the file is shorter than it was.
    pub(crate) fn filled(mut self, count: usize) -> io::Result<Self> {
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.length = count;
        Ok(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        Pool::give_back(std::mem::take(&mut self.memory));
    }
}
