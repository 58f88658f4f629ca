//! The contract of an in-process model: what the runner asks of it, and in which order.
//!
//! A call is planned (the input is checked, and what it needs is named), its files are fetched by the
//! caller, and then it runs to its end on one compute thread. A model never opens a connection.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::Invalid;

/// A model with its weights in memory.
pub trait Model: Send + Sync + 'static {
    /// The endpoint id, without a path.
    fn id(&self) -> &'static str;

    /// The paths inside the app that take a call; `""` is the app itself.
    fn paths(&self) -> &'static [&'static str];

    /// Checks `input` as a call to `path`.
    fn plan(&self, path: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid>;
}

/// A checked call.
pub trait Plan: Send {
    /// The files that `run` wants, in this order.
    fn files(&self) -> Vec<Wanted>;

    /// Whether pictures go into the answer itself, as data URIs, instead of into storage.
    fn inline(&self) -> bool;

    /// Computes, for as long as it takes.
    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError>;
}

/// A file that a call names in its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub field: &'static str,
    /// A URL or a data URI, as the caller gave it.
    pub url: String,
    pub max_bytes: u64,
}

/// Whoever looks on while a call runs.
pub trait Watch: Send {
    /// Something that the caller should know and that is no error.
    fn note(&mut self, message: &str);

    /// After each step. An error ends the run at once.
    fn step(&mut self, step: Step<'_>) -> Result<(), Cancelled>;
}

/// How far a run is.
pub struct Step<'a> {
    /// From 1.
    pub done: u32,
    pub total: u32,
    /// What the picture looks like by now. Costs time, so it is made only when somebody looks.
    pub preview: &'a dyn Fn() -> Option<Picture>,
}

/// An encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Bytes,
    pub content_type: &'static str,
    pub extension: &'static str,
    pub width: u32,
    pub height: u32,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Become the `images` of the answer, ahead of its other fields.
    pub images: Vec<Picture>,
    pub fields: Map<String, Value>,
}

/// The caller has gone, or asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call was cancelled")]
pub struct Cancelled;

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The input passed its checks, but what it points to does not.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("the computation failed")]
    Computation(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<candle_core::Error> for RunError {
    fn from(error: candle_core::Error) -> Self {
        Self::Computation(Box::new(error))
    }
}
