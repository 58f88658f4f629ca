//! One actor per app: its queue, its slots, its retries, its scaling.
//!
//! The decisions are [`tintype_domain::app::App`]'s, a pure state machine. This crate performs what
//! it decides: claims in the store, starts runners, sends requests over their sockets, and keeps the
//! answers. Invariants: nothing is sent before its claim is committed; a queued request ends exactly
//! once, in the store; whoever holds a [`Lease`] holds a slot. What a request means, who may send
//! it and how it is worded on the wire is the gateway's.

mod call;
mod options;
mod service;
mod status;

pub use call::{BodyError, BoxBody, Call, Lease, RunnerBody};
pub use options::{AppDefinition, OpenError, Options, Parts};
pub use service::{Dispatch, Service};
pub use status::{CancelAnswer, RunnerView, Status, SubmitError, Submitted, Waiting, Watch};
pub use tintype_domain::app::Cause;
