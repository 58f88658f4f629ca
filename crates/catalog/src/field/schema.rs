//! A field as JSON Schema, in the dialect of OpenAPI 3.0 and with fal's additions for forms.

use serde_json::{Map, Value, json};

use super::{Field, kind::Shape};

impl Field {
    pub fn schema(&self) -> Value {
        let mut schema = self.shape();
        schema.insert("title".into(), self.shown_title().into());
        schema.insert("description".into(), self.description.clone().into());
        if let Some(widget) = self.kind.widget() {
            schema.insert("ui".into(), json!({"field": widget}));
        }
        if self.nullable {
            schema.insert("nullable".into(), true.into());
        }
        self.limit(&mut schema);
        if let Some(default) = &self.default {
            schema.insert("default".into(), json!(default));
        }
        if !self.examples.is_empty() {
            schema.insert("examples".into(), json!(self.examples));
        }
        Value::Object(schema)
    }

    fn shape(&self) -> Map<String, Value> {
        let (shape, is_list) = self.kind.shape();
        let mut item = match shape {
            Shape::Size => self.size(),
            Shape::Object if !self.fields.is_empty() => object(&self.fields),
            _ => shape.schema(),
        };
        if !self.choices.is_empty() && shape != Shape::Size {
            item["enum"] = json!(self.choices);
        }
        match (is_list, item) {
            (true, item) => Map::from_iter([("type".to_owned(), json!("array")), ("items".to_owned(), item)]),
            // OpenAPI 3.0 ignores what stands beside a `$ref`, so that the title would be lost.
            (false, item) if item.get("$ref").is_some() => Map::from_iter([("allOf".to_owned(), json!([item]))]),
            (false, Value::Object(item)) => item,
            (false, _) => Map::new(),
        }
    }

    fn size(&self) -> Value {
        let [least, most] = self.size_limits.unwrap_or([1, 4096]);
        let side = json!({"type": "integer", "minimum": least, "maximum": most});
        let free = json!({
            "type": "object",
            "title": "ImageSize",
            "properties": {"width": side, "height": side},
            "required": ["width", "height"],
        });
        if self.choices.is_empty() {
            return free;
        }
        json!({"anyOf": [{"type": "string", "enum": self.choices}, free]})
    }

    fn limit(&self, schema: &mut Map<String, Value>) {
        let number = |value: f64| if value.fract() == 0.0 { json!(value as i64) } else { json!(value) };
        let numbers = [("minimum", self.minimum), ("maximum", self.maximum), ("multipleOf", self.multiple_of)];
        let numbers = numbers.into_iter().filter_map(|(name, limit)| Some((name, number(limit?))));
        let counts = [
            ("minLength", self.min_length),
            ("maxLength", self.max_length),
            ("minItems", self.min_items),
            ("maxItems", self.max_items),
        ];
        let counts = counts.into_iter().filter_map(|(name, limit)| Some((name, json!(limit?))));
        let exclusive = self.exclusive_minimum.then(|| ("exclusiveMinimum", json!(true)));
        let words = ["minLength", "maxLength", "minItems", "maxItems"];
        let is_list = schema.get("type").is_some_and(|kind| kind == "array");
        for (name, limit) in numbers.chain(counts).chain(exclusive) {
            // The limits of a number or a text hold for each item of a list.
            match schema.get_mut("items") {
                Some(items) if is_list && !words[2..].contains(&name) => items[name] = limit,
                _ => drop(schema.insert(name.into(), limit)),
            }
        }
    }
}

fn object(fields: &[Field]) -> Value {
    let properties: Map<_, _> = fields.iter().map(|field| (field.name.clone(), field.schema())).collect();
    let required = fields.iter().filter(|field| !field.optional && field.default.is_none());
    let required: Vec<_> = required.map(|field| &field.name).collect();
    let order: Vec<_> = fields.iter().map(|field| &field.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "x-fal-order-properties": order})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(text: &str) -> Value {
        toml::from_str::<Field>(text).unwrap().schema()
    }

    #[test]
    fn limits_of_an_integer_are_integers_in_its_schema() {
        let text =
            "name = 'num_images'\nkind = 'integer'\ndescription = 'How many.'\nminimum = 1\nmaximum = 4\ndefault = 1";
        assert_eq!(
            schema(text),
            json!({"type": "integer", "title": "Num Images", "description": "How many.", "minimum": 1, "maximum": 4, "default": 1})
        );
    }

    #[test]
    fn limits_of_a_list_and_of_its_items_stand_apart() {
        let text = "name='gains'\nkind='numbers'\ndescription='Each.'\nminimum=0\nmin_items=1\nmax_items=3";
        let schema = schema(text);
        assert_eq!(schema["items"], json!({"type": "number", "minimum": 0}));
        assert_eq!((&schema["minItems"], &schema["maxItems"]), (&json!(1), &json!(3)));
    }

    #[test]
    fn members_of_objects_are_described_and_those_without_a_default_required() {
        let schema = schema(
            "name='tracks'\nkind='objects'\ndescription='Them.'\n[[fields]]\nname='url'\nkind='video_url'\ndescription='Where.'\n[[fields]]\nname='at'\nkind='number'\ndescription='When.'\ndefault=0",
        );
        assert_eq!(schema["items"]["required"], json!(["url"]));
        assert_eq!(schema["items"]["properties"]["url"]["ui"], json!({"field": "video"}));
        assert_eq!(schema["items"]["x-fal-order-properties"], json!(["url", "at"]));
    }

    #[test]
    fn a_media_object_keeps_its_own_words_beside_the_reference() {
        let schema = schema("name='video'\nkind='video'\ndescription='The video.'");
        assert_eq!(schema["allOf"], json!([{"$ref": "#/components/schemas/VideoFile"}]));
        assert_eq!(schema["description"], "The video.");
    }
}
