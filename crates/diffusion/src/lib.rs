//! Native pipelines that draw pictures by diffusion.
//!
//! What every family shares is here once: [`call`] reads the input, [`pipeline`] turns a family into a model of the
//! engine, [`weights`] maps safetensors files, [`adapters`] lays LoRAs over them, [`layers`] are the building blocks
//! (fused on a CPU), [`noise`] draws as PyTorch does, and [`pictures`] goes between pixels and tensors. A family adds
//! its networks, its schedule and a [`Pipeline`].

pub mod adapters;
pub mod call;
pub mod compute;
mod error;
pub mod layers;
pub mod noise;
pub mod pictures;
pub mod pipeline;
pub mod weights;

pub use adapters::Adapters;
pub use call::{Call, Defaults, Endpoint, Size};
pub use compute::Compute;
pub use error::LoadError;
pub use pipeline::{Drawer, Given, Job, Pipeline, Progress};
pub use weights::Weights;
