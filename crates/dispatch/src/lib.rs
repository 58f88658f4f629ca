//! One actor per app: its queue, its slots, its retries, its scaling.
//!
//! The decisions are [`tintype_domain::app::App`]'s, a pure state machine. This crate performs what
//! it decides: claims in the store, starts runners, sends requests over their sockets, and keeps the
//! answers. Invariants: nothing is sent before its claim is committed; a queued request ends exactly
//! once, in the store; whoever holds a [`Lease`] holds a slot. What a request means, who may send
//! it and how it is worded on the wire is the gateway's.

mod actor;
mod adopt;
mod answer;
mod asks;
mod attempt;
mod batch;
mod body;
mod call;
mod chronicle;
mod commit;
mod control;
mod diary;
mod ending;
mod handle;
mod headers;
mod house;
mod intake;
mod last_words;
mod lately;
mod lease;
mod line;
mod link;
mod options;
mod orphans;
mod overseer;
mod perform;
mod service;
mod status;
mod steady;
mod views;
mod watchers;

pub use body::RunnerBody;
pub use call::{BodyError, BoxBody, Call};
pub use control::{Rollout, RolloutFailed};
pub use handle::Dispatch;
pub use lease::Lease;
pub use options::{AppDefinition, CdnToken, OpenError, Options, Parts, RegisterError, UnknownApp, UnknownRunner};
pub use service::Service;
pub use status::{CancelAnswer, InFlight, RunnerView, Status, SubmitError, Submitted, Waiting};
pub use tintype_domain::app::{Cause, Replacement, RunnerPhase, Step, Strategy};
pub use watchers::Watch;
