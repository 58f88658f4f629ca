//! The kinds of fields that a manifest may have.

use serde::Deserialize;
use serde_json::{Value, json};

/// What a field holds. Addresses may always be data URIs too; the platform fetches both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    String,
    Integer,
    Number,
    Boolean,
    Strings,
    Integers,
    Numbers,
    Booleans,
    ImageUrl,
    ImageUrls,
    VideoUrl,
    VideoUrls,
    AudioUrl,
    AudioUrls,
    FileUrl,
    FileUrls,
    /// A preset name, or `{width, height}`.
    ImageSize,
    /// Media objects, and lists of them.
    Image,
    Images,
    Video,
    Videos,
    Audio,
    Audios,
    File,
    Files,
    /// An object with the members of `fields`; with any members, when there are none.
    Object,
    Objects,
    /// `[{path, scale}]`.
    Loras,
    /// Whatever JSON has.
    Any,
}

/// What JSON can hold for a kind, whichever widget shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    String,
    Integer,
    Number,
    Boolean,
    Object,
    Size,
    Media(&'static str),
    Lora,
    Any,
}

impl FieldKind {
    /// The shape of the value, or of each item, and whether it is a list.
    pub(crate) fn shape(self) -> (Shape, bool) {
        match self {
            Self::String | Self::ImageUrl | Self::VideoUrl | Self::AudioUrl | Self::FileUrl => (Shape::String, false),
            Self::Strings | Self::ImageUrls | Self::VideoUrls | Self::AudioUrls | Self::FileUrls => {
                (Shape::String, true)
            }
            Self::Integer => (Shape::Integer, false),
            Self::Integers => (Shape::Integer, true),
            Self::Number => (Shape::Number, false),
            Self::Numbers => (Shape::Number, true),
            Self::Boolean => (Shape::Boolean, false),
            Self::Booleans => (Shape::Boolean, true),
            Self::ImageSize => (Shape::Size, false),
            Self::Image => (Shape::Media("Image"), false),
            Self::Images => (Shape::Media("Image"), true),
            Self::Video => (Shape::Media("VideoFile"), false),
            Self::Videos => (Shape::Media("VideoFile"), true),
            Self::Audio => (Shape::Media("AudioFile"), false),
            Self::Audios => (Shape::Media("AudioFile"), true),
            Self::File => (Shape::Media("File"), false),
            Self::Files => (Shape::Media("File"), true),
            Self::Object => (Shape::Object, false),
            Self::Objects => (Shape::Object, true),
            Self::Loras => (Shape::Lora, true),
            Self::Any => (Shape::Any, false),
        }
    }

    /// The widget that forms show for it, where its name alone does not say so.
    pub(crate) fn widget(self) -> Option<&'static str> {
        match self {
            Self::ImageUrl | Self::ImageUrls | Self::Image | Self::Images => Some("image"),
            Self::VideoUrl | Self::VideoUrls | Self::Video | Self::Videos => Some("video"),
            Self::AudioUrl | Self::AudioUrls | Self::Audio | Self::Audios => Some("audio"),
            Self::FileUrl | Self::FileUrls | Self::File | Self::Files => Some("file"),
            _ => None,
        }
    }
}

impl Shape {
    /// Whether `value` can be of this shape, and what it should have been.
    pub(crate) fn holds(self, value: &toml::Value) -> Result<(), &'static str> {
        use toml::Value::{Boolean, Float, Integer, String, Table};
        match (self, value) {
            (Self::Any, _)
            | (Self::String | Self::Size, String(_))
            | (Self::Integer | Self::Number, Integer(_))
            | (Self::Number, Float(_))
            | (Self::Boolean, Boolean(_))
            | (Self::Object | Self::Size | Self::Media(_) | Self::Lora, Table(_)) => Ok(()),
            (Self::String, _) => Err("a string"),
            (Self::Integer, _) => Err("an integer"),
            (Self::Number, _) => Err("a number"),
            (Self::Boolean, _) => Err("true or false"),
            (Self::Size, _) => Err("the name of a size, or a table with width and height"),
            (Self::Object | Self::Media(_) | Self::Lora, _) => Err("a table"),
        }
    }

    /// The word of JSON Schema.
    pub(crate) fn schema(self) -> Value {
        match self {
            Self::String => json!({"type": "string"}),
            Self::Integer => json!({"type": "integer"}),
            Self::Number => json!({"type": "number"}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::Object | Self::Size => json!({"type": "object"}),
            Self::Media(name) => json!({"$ref": format!("#/components/schemas/{name}")}),
            Self::Lora => json!({"$ref": "#/components/schemas/LoraWeight"}),
            Self::Any => json!({}),
        }
    }
}
