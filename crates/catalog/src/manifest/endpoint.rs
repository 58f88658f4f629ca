//! One way to call a model.

use serde::Deserialize;

use super::Price;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Path inside the app: empty, or begins with `/`.
    #[serde(default)]
    pub path: String,
    /// Other endpoint ids under which callers find it: `tintype/sketch/train`, where training has an app of its own.
    #[serde(default)]
    pub also: Vec<String>,
    pub category: String,
    pub title: String,
    pub summary: String,
    /// Names of the model's fields that it takes, in the order in which to show them.
    pub input: Vec<String>,
    /// Those without which a call is refused.
    #[serde(default)]
    pub required: Vec<String>,
    /// Names of the model's fields that it answers with.
    pub output: Vec<String>,
    /// Path of the streaming form, where there is one.
    #[serde(default)]
    pub stream: Option<String>,
    /// Path of the realtime form, where there is one.
    #[serde(default)]
    pub realtime: Option<String>,
    #[serde(default)]
    pub kind: Kind,
    /// The set of weights that it needs, where that is not `default`; `any`: one of them, whichever the call names.
    #[serde(default)]
    pub weights: Option<String>,
    #[serde(default)]
    pub price: Option<Price>,
    /// Endpoints that train what this one takes.
    #[serde(default)]
    pub training_endpoint_ids: Vec<String>,
    /// Endpoints that take what this one trains.
    #[serde(default)]
    pub inference_endpoint_ids: Vec<String>,
    /// It still answers, but another should be used.
    #[serde(default)]
    pub deprecated: bool,
    #[serde(default)]
    pub examples: Vec<Example>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Inference,
    Training,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Training => "training",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub title: String,
    pub input: toml::Table,
}
