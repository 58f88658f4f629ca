//! Model manifests and the gallery: what can be called, under which names, with which inputs.
//!
//! A manifest is a `model.toml` beside the model's code, compiled in. Reading one is strict: an
//! unknown member or a field that no endpoint has is an error at start-up, never a silent gap. The
//! operator's aliases bind other endpoint ids to these models; nothing is aliased by default.
//!
//! Beside the models stand the apps that people deployed ([`Deployed`]), which come and go while the server runs.

mod alias;
mod deployed;
mod field;
mod gallery;
mod manifest;
mod nearest;
pub mod openapi;
mod scaling;

pub use alias::AliasError;
pub use deployed::Deployed;
pub use field::{Field, FieldError, FieldKind, Role};
pub use gallery::{Catalog, CatalogError, Options};
pub use manifest::{
    CURRENCY, Endpoint, Example, Formula, Group, Kind, ManifestError, Model, Price, PriceError, Source, SourceError,
    Weights,
};
pub use nearest::nearest;
