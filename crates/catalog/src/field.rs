//! A field of an input or an output: its type, limits and words, once per model.

use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    String,
    Integer,
    Number,
    Boolean,
    /// An address or a data URI of a picture.
    ImageUrl,
    /// A preset name, or `{width, height}`.
    ImageSize,
    /// A list of file objects that are pictures.
    Images,
    Booleans,
    Object,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    pub description: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub default: Option<toml::Value>,
    #[serde(default)]
    pub minimum: Option<f64>,
    #[serde(default)]
    pub maximum: Option<f64>,
    #[serde(default)]
    pub max_length: Option<u32>,
    #[serde(default, rename = "enum")]
    pub choices: Vec<String>,
    #[serde(default)]
    pub examples: Vec<toml::Value>,
    /// `{width, height}` of sizes have these limits.
    #[serde(default)]
    pub size_limits: Option<[u32; 2]>,
}

impl Field {
    /// The field as JSON Schema, in the dialect of OpenAPI 3.0.
    pub fn schema(&self) -> Value {
        let mut schema = self.shape();
        schema.insert("title".into(), self.title.clone().unwrap_or_else(|| spoken(&self.name)).into());
        schema.insert("description".into(), self.description.clone().into());
        let limits = [("minimum", self.minimum), ("maximum", self.maximum)];
        for (name, limit) in limits.into_iter().filter_map(|(name, limit)| Some((name, limit?))) {
            schema.insert(name.into(), self.number(limit));
        }
        if let Some(length) = self.max_length {
            schema.insert("maxLength".into(), length.into());
        }
        if let Some(default) = &self.default {
            schema.insert("default".into(), json!(default));
        }
        if !self.examples.is_empty() {
            schema.insert("examples".into(), json!(self.examples));
        }
        Value::Object(schema)
    }

    fn shape(&self) -> Map<String, Value> {
        let shape = match self.kind {
            FieldKind::String if self.choices.is_empty() => json!({"type": "string"}),
            FieldKind::String => json!({"type": "string", "enum": self.choices}),
            FieldKind::Integer => json!({"type": "integer"}),
            FieldKind::Number => json!({"type": "number"}),
            FieldKind::Boolean => json!({"type": "boolean"}),
            FieldKind::ImageUrl => json!({"type": "string", "ui": {"field": "image"}}),
            FieldKind::ImageSize => self.size(),
            FieldKind::Images => json!({"type": "array", "items": {"$ref": "#/components/schemas/Image"}}),
            FieldKind::Booleans => json!({"type": "array", "items": {"type": "boolean"}}),
            FieldKind::Object => json!({"type": "object"}),
        };
        match shape {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn size(&self) -> Value {
        let [least, most] = self.size_limits.unwrap_or([1, 4096]);
        let side = json!({"type": "integer", "minimum": least, "maximum": most});
        json!({"anyOf": [
            {"type": "string", "enum": self.choices},
            {"type": "object", "properties": {"width": side, "height": side}, "required": ["width", "height"]},
        ]})
    }

    fn number(&self, limit: f64) -> Value {
        match self.kind {
            FieldKind::Integer => json!(limit as i64),
            _ => json!(limit),
        }
    }
}

/// `num_images` is shown as `Num Images`.
fn spoken(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    name.split('_').map(capital).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_an_integer_are_integers_in_its_schema() {
        let field: Field = toml::from_str(
            "name = 'num_images'\nkind = 'integer'\ndescription = 'How many.'\nminimum = 1\nmaximum = 4\ndefault = 1",
        )
        .unwrap();
        assert_eq!(
            field.schema(),
            json!({"type": "integer", "title": "Num Images", "description": "How many.", "minimum": 1, "maximum": 4, "default": 1})
        );
    }
}
