//! The contract of an in-process model, the samplers, and the native models.

mod fields;
pub mod flow;
mod invalid;
mod model;
mod noise;
mod programs;
mod size;
pub mod sketch;

pub use fields::{Fields, quoted};
pub use invalid::{Detail, Invalid, unreadable_picture};
pub use model::{Cancelled, Made, Model, Output, Picture, Place, Plan, RunError, Step, Wanted, Watch};
pub use noise::{Normal, Precision, normal};
pub use size::Size;
