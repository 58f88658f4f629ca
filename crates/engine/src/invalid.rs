//! What is wrong with an input, in the shape that the client API gives to it.

mod shown;

use serde::Serialize;
use serde_json::{Map, Value};
use tintype_media::{DecodeError, Format};

/// One finding about one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detail {
    /// Where: `["body", "image_size", "width"]`.
    pub loc: Vec<Value>,
    pub msg: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub ctx: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
}

impl Detail {
    /// `path` is dotted: `image_size.width`, `loras.0.path`; empty for the body as a whole.
    pub fn new(path: &str, kind: &str, msg: impl Into<String>) -> Self {
        let part = |part: &str| part.parse::<u32>().map_or_else(|_| part.into(), Value::from);
        let fields = path.split('.').filter(|field| !field.is_empty()).map(part);
        let loc = std::iter::once(Value::from("body")).chain(fields).collect();
        Self { loc, msg: msg.into(), kind: kind.into(), ctx: Map::new(), input: None }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.ctx.insert(name.into(), value.into());
        self
    }

    /// What was found there; what is long is cut, so that no answer sends a picture back.
    #[must_use]
    pub fn found(mut self, input: &Value) -> Self {
        self.input = Some(shown::shown(input));
        self
    }
}

/// Everything that is wrong with one input: at least one finding.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the input is not valid: {}", summary(.0))]
pub struct Invalid(pub Vec<Detail>);

impl From<Detail> for Invalid {
    fn from(detail: Detail) -> Self {
        Self(vec![detail])
    }
}

/// The findings of the client API about a file that is not a picture to work with.
pub fn unreadable_picture(field: &str, error: &DecodeError) -> Invalid {
    let detail = |kind: &str| Detail::new(field, kind, format!("Could not use the picture: {error}"));
    let detail = match error {
        DecodeError::TooManyBytes { limit, .. } => detail("file_too_large").with("max_size", *limit),
        DecodeError::TooLarge { limits, .. } => {
            detail("image_too_large").with("max_width", limits.max_width).with("max_height", limits.max_height)
        }
        DecodeError::UnknownFormat => {
            detail("unsupported_image_format").with("supported_formats", Format::ALL.map(Format::name).to_vec())
        }
        DecodeError::Damaged { .. } => detail("image_load_error"),
    };
    detail.into()
}

fn summary(details: &[Detail]) -> String {
    let one = |detail: &Detail| {
        let place: Vec<String> = detail.loc[1..].iter().map(|part| part.to_string().replace('"', "")).collect();
        if place.is_empty() { detail.msg.clone() } else { format!("{}: {}", place.join("."), detail.msg) }
    };
    details.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_each_field() {
        let size = Detail::new("image_size.width", "missing", "Field required");
        let body = Detail::new("", "json_invalid", "JSON decode error");
        let text = Invalid(vec![size, body]).to_string();
        assert_eq!(text, "the input is not valid: image_size.width: Field required; JSON decode error");
    }
}
