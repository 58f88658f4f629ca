//! Starting what was deployed: between dispatch and the launcher of the house stands the [`Starter`].
//!
//! Dispatch asks for a runner of a revision; what that means (which environment, which secrets, whose key) is found
//! out at each start, so that a changed secret or a rebuilt environment counts from the next runner on. Programs that
//! are no revisions pass through.

mod command;
mod job;
mod plan;
mod starter;
mod watch;

pub use starter::{Starter, StarterParts, Walls};

pub(crate) use self::{
    job::{Job, Report},
    plan::Plan,
    watch::{Seen, What},
};
