//! The app: what it is told to be ([`Spec`]), and the pure state machine that runs it ([`App`]).
//!
//! Invariants that the machine keeps, whatever happens in whatever order: a request is sent only
//! after its claim is committed; a request ends once; a runner has no more requests than slots, and
//! a definition of the app no more processes than `max_concurrency`; traffic goes to a new definition by rolling only
//! when a runner of it is ready; inside a priority no account waits behind
//! another's backlog; a report of a superseded attempt changes nothing.

mod endings;
mod entry;
mod event;
mod fleet;
mod machine;
mod outcomes;
mod queue;
mod replace;
mod requests;
mod retry;
mod runners;
mod scaling;
mod spec;
mod stop;
#[cfg(test)]
mod tests;
mod view;
mod waiting;
mod why;

pub use event::{CancelAnswer, Effect, End, Event, Job, Kind};
pub use machine::App;
pub use replace::Strategy;
pub use spec::{CrashPause, Spec};
pub use view::{Replacement, RunnerPhase, RunnerState, Step};
pub use why::{Cause, Why};
