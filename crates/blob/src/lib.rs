//! Stored objects: put, get, range, sign and expire, over a directory.
//!
//! An object is written beside its place, flushed to the disk, and then linked into place, so that a
//! reader sees all of it or nothing and a cut-off upload leaves nothing behind. What is in place is never
//! rewritten. Who owns an object and when it expires is the store's to know; what the store does not
//! know is found by [`Blobs::objects_before`] and [`Blobs::uploads_before`], and swept.

mod error;
mod id;
mod parts;
mod place;
mod pool;
mod put;
mod reader;
mod signer;
mod sweep;

pub use error::{AssembleError, OpenError, PutError, ReadError};
pub use id::new_id;
pub use parts::Part;
pub use place::Blobs;
pub use put::Stored;
pub use reader::Reader;
pub use signer::{Signature, SignatureError, Signer};
