//! Which code serves a model: the families of this build, by the name that manifests use.

use std::sync::Arc;

use tintype_engine::{Model, sketch::Sketch};

use crate::Options;

pub(crate) type LoadError = Box<dyn std::error::Error + Send + Sync>;
type Load = fn(&Options) -> Result<Arc<dyn Model>, LoadError>;

/// One line a family. What needs no weights ignores `Options::weights`.
const FAMILIES: &[(&str, Load)] = &[
    ("ffmpeg-api", |_| Ok(Arc::new(tintype_tools::ffmpeg_api()))),
    ("sketch", sketch),
    ("text-concat", |_| Ok(Arc::new(tintype_tools::text_concat()))),
    ("voice", |_| Ok(Arc::new(tintype_tools::voice()))),
    ("workflow-utilities", |_| Ok(Arc::new(tintype_tools::workflow_utilities()))),
];

/// The family of this name, if this build has it.
pub(crate) fn family(name: &str) -> Option<Load> {
    FAMILIES.iter().find(|(known, _)| *known == name).map(|(_, load)| *load)
}

pub(crate) fn names() -> String {
    let names = FAMILIES.iter().map(|(name, _)| *name).chain(["noop"]);
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn sketch(options: &Options) -> Result<Arc<dyn Model>, LoadError> {
    Ok(Arc::new(Sketch::load(options.threads)?))
}
