//! The contract of an in-process model: what the runner asks of it, and in which order.
//!
//! A call is planned (the input is checked, and what it needs is named), its files are fetched by the
//! caller, and then it runs to its end on one compute thread. A model never opens a connection.

use std::path::Path;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::Invalid;

/// A model that is ready to compute: its weights are in memory, or it needs none.
pub trait Model: Send + Sync + 'static {
    /// The paths inside the app that take a call; `""` is the app itself.
    fn paths(&self) -> Vec<String>;

    /// Where it computes and in which precision, in words, where that depends on the machine.
    fn place(&self) -> Option<String> {
        None
    }

    /// Checks `input` as a call to `path`.
    fn plan(&self, path: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid>;
}

/// A checked call.
pub trait Plan: Send {
    /// The files that `run` wants, in this order.
    fn files(&self) -> Vec<Wanted>;

    /// Whether files go into the answer itself, as data URIs, instead of into storage.
    fn inline(&self) -> bool;

    /// Computes, for as long as it takes.
    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError>;
}

/// A file that a call names in its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where the input names it, dotted: `image_url`, `tracks.0.keyframes.2.url`.
    pub field: String,
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

    /// Whether to go on, asked between steps by whoever waits for something long.
    fn wanted(&self) -> Result<(), Cancelled> {
        Ok(())
    }

    /// A folder for what a later attempt at the same request can go on from. It outlives this process, and is empty at
    /// the first attempt. `None`: there is no such thing here.
    fn scratch(&self) -> Option<&Path> {
        None
    }
}

/// How far a run is.
pub struct Step<'a> {
    /// From 1.
    pub done: u32,
    pub total: u32,
    /// What was measured at this step, by name: `("loss", 0.02)`.
    pub measures: &'a [(&'static str, f64)],
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

/// A file that a call made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Large ones may be the mapping of a file (`Bytes::from_owner`).
    pub bytes: Bytes,
    pub content_type: &'static str,
    pub extension: &'static str,
    /// What its description says beside name, type and size: `width`, `height`, `fps`, `duration`, ...
    pub facts: Map<String, Value>,
}

impl From<Picture> for Made {
    fn from(picture: Picture) -> Self {
        let Picture { bytes, content_type, extension, width, height } = picture;
        let facts = [("width", width), ("height", height)];
        let facts = facts.into_iter().map(|(name, side)| (name.to_owned(), side.into())).collect();
        Self { bytes, content_type, extension, facts }
    }
}

/// Where in the answer a file is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The member of this name, dotted where it is inside others: `video`, `model_urls.glb`.
    Member(&'static str),
    /// As `Member`, and all that is told of the file is its URL: `thumbnail_url`.
    Url(&'static str),
    /// The next item of the list of this name: `images`.
    Item(&'static str),
}

/// What a call came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Their descriptions come ahead of the other fields, in this order.
    pub files: Vec<(Place, Made)>,
    pub fields: Map<String, Value>,
    /// What the call is counted as, in the unit of the model's price; without it, the number of files.
    pub units: Option<f64>,
}

impl Output {
    /// The `images` of the hosted image models, ahead of `fields`.
    pub fn images(images: Vec<Picture>, fields: Map<String, Value>) -> Self {
        let files = images.into_iter().map(|image| (Place::Item("images"), image.into())).collect();
        Self { files, fields, units: None }
    }
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
