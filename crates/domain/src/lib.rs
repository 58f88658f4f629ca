//! The words of Tintype as types: ids, endpoint ids, time, requests, and the pure state machines.
//!
//! Nothing here performs input or output, waits, reads a clock or draws a random number: all of
//! that comes in as an argument, so that a state machine can be run under a simulated world.

pub mod app;
mod clock;
mod endpoint;
mod failure;
mod ids;
mod request;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use endpoint::{AppId, EndpointId, EndpointIdError};
pub use failure::{ErrorType, Failure, with_causes};
pub use ids::{AccountId, Attempt, KeyId, RequestId, RequestIdError, RevisionId, RunnerId};
pub use request::{LogEntry, LogLevel, Outcome, Priority, RetryBudget, Verdict};
