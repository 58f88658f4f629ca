//! Starts, watches and stops runners.
//!
//! [`Launcher`] is the seam: dispatch asks for a runner and hears what becomes of it as a sequence of
//! [`Occurrence`]s that always ends with [`Occurrence::Exited`]. [`LocalLauncher`] runs child processes on
//! this machine; [`fake::FakeLauncher`] does what a test tells it. Nothing here knows of requests or queues.

mod capability;
mod command;
mod connect;
mod exec;
pub mod fake;
mod local;
mod seam;
mod shepherd;

pub use capability::{Capability, Obstacle, capability};
pub use command::{
    Bind, Command, Confinement, Copy, HealthCheck, NODE_TRUST_VARIABLE, Network, Readiness, Rooted, Sandbox,
    TRUST_VARIABLES, Template,
};
pub use connect::connect_unix;
pub use exec::{Exec, ExecError, Input, Output, Session};
pub use local::{Held, LocalLauncher, Pace, Templates};
pub use seam::{Address, Asked, Control, ExitReason, Launcher, Occurrence, Start, StartError, Started, Stop, Survivor};
pub use shepherd::{Shepherds, tend};
pub use tintype_programs::{Sandboxing, UnknownSandboxing};
