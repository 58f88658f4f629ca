//! The life of a request.

mod attempts;
mod closing;
mod enqueue;
mod finish;
mod list;
mod read;

pub(super) use attempts::{begin, requeue};
pub(super) use enqueue::{Accepted, earlier_use, enqueue};
pub(super) use finish::{finish, forget_payloads, record_direct};
pub(super) use list::{apps, list};
pub(super) use read::{CLOSED_RECORD, closed_record, payload, pending, read_response, record, response};
