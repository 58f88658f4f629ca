//! Deploying: what is asked for is checked, becomes a revision, and an alias comes to point at it.
//!
//! A revision is immutable; an alias carries what outlives revisions (scaling, who may call). Payloads lie on disk
//! before their revision is in the store: a server that dies in between leaves a folder, which the next start sweeps.

pub(crate) mod asked;
pub(crate) mod definition;
pub(crate) mod error;
pub(crate) mod image;
pub(crate) mod machine;
pub(crate) mod name;
pub(crate) mod payload;
pub(crate) mod recipe;
pub(crate) mod scaling;
mod schema;
pub(crate) mod sealing;
pub(crate) mod structs;

pub(crate) mod build;
pub(crate) mod moving;
pub(crate) mod register;
mod restore;
