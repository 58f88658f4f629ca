//! The contract of an in-process model, the samplers, and the native models.

mod invalid;
mod model;

pub use invalid::{Detail, Invalid};
pub use model::{Cancelled, Model, Output, Picture, Plan, RunError, Step, Wanted, Watch};
