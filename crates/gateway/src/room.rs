//! Memory for request bodies: all that are held at one time share it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Error;

/// Bodies up to this size are not counted: the limit on open connections bounds them.
const SMALL: usize = 64 << 10;
/// What is taken at a time, so that the count is not asked for each frame.
const STEP: usize = 256 << 10;

/// What is left of the memory for bodies.
#[derive(Clone)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    bytes: usize,
}

/// The part of the room that one body has taken; given back when it is dropped.
#[derive(Default)]
pub(crate) struct Share {
    taken: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes / STEP)), bytes }
    }

    /// Makes `share` large enough for `bytes`.
    pub fn grow(&self, share: &mut Share, bytes: usize) -> Result<(), Error> {
        if bytes <= SMALL.max(share.taken) {
            return Ok(());
        }
        let steps = (bytes - share.taken).div_ceil(STEP);
        let more = u32::try_from(steps).ok().and_then(|steps| self.free.clone().try_acquire_many_owned(steps).ok());
        let more = more.ok_or_else(|| self.full())?;
        share.taken += steps * STEP;
        match &mut share.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    fn full(&self) -> Error {
        let detail = format!(
            "the server holds request bodies of {} MiB together and has no room for this one: try again, or pass large media as URLs",
            self.bytes >> 20
        );
        Error::Unavailable { detail }
    }
}

impl Share {
    /// The body with its share, which is given back when the last clone is dropped.
    pub fn hold(self, body: Bytes) -> Bytes {
        if self.permit.is_none() {
            return body;
        }
        Bytes::from_owner(Held { body, _share: self })
    }
}

struct Held {
    body: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_until_its_last_clone_is_dropped() {
        let room = Room::new(1 << 20);
        let mut share = Share::default();
        room.grow(&mut share, 600 << 10).unwrap();
        let body = share.hold(Bytes::from(vec![7; 600 << 10]));
        let clone = body.clone();
        drop(body);
        let refused = room.grow(&mut Share::default(), 600 << 10).unwrap_err();
        assert!(refused.to_string().contains("bodies of 1 MiB"), "{refused}");
        drop(clone);
        room.grow(&mut Share::default(), 1 << 20).unwrap();
    }

    #[test]
    fn small_bodies_pass_when_the_room_is_full() {
        let room = Room::new(0);
        room.grow(&mut Share::default(), SMALL).unwrap();
        room.grow(&mut Share::default(), SMALL + 1).unwrap_err();
    }

    #[test]
    fn a_body_that_grows_takes_no_more_than_it_needs() {
        let room = Room::new(1 << 20);
        let mut share = Share::default();
        for size in (0..=(1 << 20)).step_by(10_000) {
            room.grow(&mut share, size).unwrap();
        }
        room.grow(&mut share, 1 << 20).unwrap();
    }
}
