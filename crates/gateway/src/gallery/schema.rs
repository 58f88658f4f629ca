//! A schema as rows of a table: what people need to know of each field.

use serde_json::{Map, Value};

/// One field, in words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Members of objects stand behind a dot: `tracks[].url`.
    pub name: String,
    pub kind: String,
    pub is_required: bool,
    pub description: String,
    pub default: Option<String>,
    /// Limits and choices, one sentence each.
    pub limits: Vec<String>,
    pub examples: Vec<String>,
}

/// Schemas may refer to themselves.
const DEEPEST: usize = 3;

/// Fields of the input of a call.
pub(super) fn input(document: &Value) -> Vec<Row> {
    let operation =
        operations(document).find_map(|item| item.pointer("/post/requestBody/content/application~1json/schema"));
    operation.map(|schema| rows(document, schema)).unwrap_or_default()
}

/// Fields of the result.
pub(super) fn output(document: &Value) -> Vec<Row> {
    let result =
        document["paths"].as_object().into_iter().flatten().find(|(path, _)| path.ends_with("/requests/{request_id}"));
    let schema = result.and_then(|(_, item)| item.pointer("/get/responses/200/content/application~1json/schema"));
    schema.map(|schema| rows(document, schema)).unwrap_or_default()
}

/// What can be sent at the least: a value for every field that is required, and none where nothing is known.
pub(super) fn least(document: &Value, rows: &[Row]) -> Value {
    let schema =
        operations(document).find_map(|item| item.pointer("/post/requestBody/content/application~1json/schema"));
    let Some(schema) = schema.map(|schema| resolve(document, schema)) else { return Value::Object(Map::new()) };
    let required = rows.iter().filter(|row| row.is_required && !row.name.contains('.'));
    let value = |row: &Row| {
        let field = resolve(document, &schema["properties"][&row.name]);
        let known = [&field["default"], &field["examples"][0], &field["enum"][0]];
        known.into_iter().find(|value| !value.is_null()).cloned().unwrap_or_else(|| empty(field))
    };
    Value::Object(required.map(|row| (row.name.clone(), value(row))).collect())
}

fn empty(field: &Value) -> Value {
    match field["type"].as_str() {
        Some("array") => Value::Array(Vec::new()),
        Some("object") => Value::Object(Map::new()),
        Some("integer" | "number") => field.get("minimum").cloned().unwrap_or_else(|| 0.into()),
        Some("boolean") => false.into(),
        _ => "".into(),
    }
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    document["paths"].as_object().into_iter().flat_map(Map::values)
}

fn rows(document: &Value, schema: &Value) -> Vec<Row> {
    let mut found = Vec::new();
    members(document, schema, "", 0, &mut found);
    found
}

fn members(document: &Value, schema: &Value, prefix: &str, depth: usize, found: &mut Vec<Row>) {
    let schema = resolve(document, schema);
    let Some(properties) = schema["properties"].as_object() else { return };
    let ordered = schema["x-fal-order-properties"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ordered = ordered.iter().filter_map(Value::as_str);
    let place = |name: &str| ordered.clone().position(|known| known == name).unwrap_or(usize::MAX);
    let mut names: Vec<&String> = properties.keys().collect();
    names.sort_by_key(|name| place(name));
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in names {
        let own = &properties[name.as_str()];
        let field = resolve(document, own);
        let is_required = required.iter().any(|known| known == name);
        let full = format!("{prefix}{name}");
        found.push(row(document, &full, own, field, is_required));
        let is_media =
            matches!(kind(document, own).trim_start_matches("list of "), "Image" | "VideoFile" | "AudioFile" | "File");
        if depth < DEEPEST && !is_media {
            members(document, field, &format!("{full}."), depth + 1, found);
            members(document, &field["items"], &format!("{full}[]."), depth + 1, found);
        }
    }
}

fn row(document: &Value, name: &str, own: &Value, field: &Value, is_required: bool) -> Row {
    let said = |member: &str| [own, field].into_iter().find_map(|schema| schema.get(member));
    let text = |member: &str| said(member).and_then(Value::as_str).unwrap_or_default();
    let examples = said("examples").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Row {
        name: name.to_owned(),
        kind: kind(document, own),
        is_required,
        description: text("description").to_owned(),
        default: said("default").map(ToString::to_string),
        limits: limits(document, field),
        examples: examples.iter().take(3).map(ToString::to_string).collect(),
    }
}

fn kind(document: &Value, schema: &Value) -> String {
    if let Some(name) = named(schema) {
        return name.to_owned();
    }
    let schema = resolve(document, schema);
    let several = ["anyOf", "oneOf"].into_iter().find_map(|word| schema[word].as_array());
    if let Some(several) = several {
        let mut kinds: Vec<_> = several.iter().map(|one| kind(document, one)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let plain = schema["type"].as_str().unwrap_or("any");
    match plain {
        "array" => format!("list of {}", kind(document, &schema["items"])),
        "object" if schema.get("properties").is_some() => {
            schema["title"].as_str().filter(|title| !title.contains(' ')).unwrap_or("object").to_owned()
        }
        plain => plain.to_owned(),
    }
}

/// The name of the schema that this one is nothing but a reference to.
fn named(schema: &Value) -> Option<&str> {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    reference.rsplit('/').next()
}

fn limits(document: &Value, field: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let alternatives = field["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let items = resolve(document, &field["items"]);
    for schema in alternatives.iter().chain([field, items]) {
        if let Some(choices) = schema["enum"].as_array() {
            let choices = choices.iter().map(|choice| choice.as_str().map_or_else(|| choice.to_string(), Into::into));
            found.push(format!("one of {}", choices.collect::<Vec<_>>().join(", ")));
        }
        let words = [
            ("minimum", "at least"),
            ("maximum", "at most"),
            ("multipleOf", "a multiple of"),
            ("minLength", "letters at least"),
            ("maxLength", "letters at most"),
            ("minItems", "items at least"),
            ("maxItems", "items at most"),
        ];
        for (member, word) in words {
            let Some(limit) = schema.get(member) else { continue };
            let is_count = word.contains("letters") || word.contains("items");
            found.push(if is_count { format!("{limit} {word}") } else { format!("{word} {limit}") });
        }
    }
    found
}

/// Follows references, as far as they lead somewhere; of an `allOf` with one schema, that one.
fn resolve<'a>(document: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..8 {
        let only = schema["allOf"].as_array().filter(|all| all.len() == 1).map(|all| &all[0]);
        let next = match schema["$ref"].as_str() {
            Some(reference) => reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer)),
            None => only,
        };
        let Some(next) = next else { break };
        schema = next;
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "paths": {
                "/a/b": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}}}},
                "/a/b/requests/{request_id}": {"get": {"responses": {"200": {"content": {"application/json": {"schema":
                    {"properties": {"video": {"allOf": [{"$ref": "#/components/schemas/VideoFile"}], "description": "It."}}}}}}}}},
            },
            "components": {"schemas": {
                "In": {"required": ["tracks", "mode"], "x-fal-order-properties": ["tracks", "mode"], "properties": {
                    "mode": {"type": "string", "enum": ["fast", "slow"]},
                    "tracks": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Track"}},
                }},
                "Track": {"required": ["url"], "properties": {
                    "url": {"type": "string"},
                    "again": {"$ref": "#/components/schemas/Track"},
                }},
                "VideoFile": {"type": "object", "properties": {"url": {"type": "string"}}},
            }},
        })
    }

    #[test]
    fn fields_come_in_their_order_with_the_members_of_objects_behind_them() {
        let rows = input(&document());
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names[..2], ["tracks", "tracks[].url"]);
        assert_eq!(*names.last().unwrap(), "mode");
        assert_eq!((rows[0].kind.as_str(), rows[0].is_required), ("list of Track", true));
        assert_eq!(rows[0].limits, ["1 items at least"]);
        assert_eq!(rows.last().unwrap().limits, ["one of fast, slow"]);
        assert_eq!(least(&document(), &rows), json!({"tracks": [], "mode": "fast"}));
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        assert!(input(&document()).len() < 20);
    }

    #[test]
    fn media_of_a_result_are_named_and_not_taken_apart() {
        let rows = output(&document());
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].kind.as_str(), rows[0].description.as_str()), ("VideoFile", "It."));
    }
}
