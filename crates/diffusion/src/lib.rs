//! Native pipelines that draw pictures by diffusion.
//!
//! What every family shares is here once: [`call`] reads the input, [`pipeline`] turns a family into a model of the
//! engine, [`weights`] maps safetensors files, [`adapters`] lays LoRAs over them, [`layers`] are the building blocks
//! (fused on a CPU), [`noise`] draws as PyTorch does, [`pictures`] goes between pixels and tensors, [`clip`] reads
//! prompts, and [`vae`] goes between pictures and latents. A family adds its networks, its schedule and a [`Pipeline`].

pub mod adapters;
pub mod call;
pub mod clip;
pub mod config;
mod error;
pub mod flow;
pub mod flux;
pub mod layers;
pub mod noise;
pub mod pictures;
pub mod pipeline;
pub mod residual;
pub mod sampler;
pub mod sd3;
pub mod stable_diffusion;
pub mod unet;
pub mod vae;
pub mod weights;
pub mod z_image;

pub use adapters::Adapters;
pub use call::{Call, Defaults, Endpoint};
pub use error::LoadError;
pub use pipeline::{Drawer, Given, Job, Pipeline, Progress};
pub use tintype_engine::Size;
pub use tintype_kernels::{Care, Compute, DeviceChoice, Machine};
pub use weights::Weights;
