//! The messages and the service of the protocol, generated from `proto/`.
#![expect(clippy::all, clippy::pedantic, reason = "generated code keeps to the habits of its generator")]

include!(concat!(env!("OUT_DIR"), "/_.rs"));

/// Package `controller`.
pub mod controller {
    include!(concat!(env!("OUT_DIR"), "/controller.rs"));
}
