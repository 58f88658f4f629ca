//! A schema as rows of a table: what people need to know of each field.

mod kind;
mod least;
mod limits;
mod made;
mod resolve;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

pub(super) use self::least::least;
use self::{kind::kind, limits::limits, resolve::resolve};

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
/// Schemas come from whoever deploys: one that refers to itself under many names would never be told to its end.
const MOST_ROWS: usize = 500;
/// Of all rows together. Each may repeat the same long text.
const MOST_TEXT: usize = 1 << 20;
/// Names that a schema lists as required, or in order.
const MOST_NAMES: usize = 1000;

/// Fields of the input of a call.
pub(super) fn input(document: &Value) -> Vec<Row> {
    body(document).map(|schema| rows(document, schema)).unwrap_or_default()
}

/// Fields of the result.
pub(super) fn output(document: &Value) -> Vec<Row> {
    let result =
        document["paths"].as_object().into_iter().flatten().find(|(path, _)| path.ends_with("/requests/{request_id}"));
    let schema = result.and_then(|(_, item)| item.pointer("/get/responses/200/content/application~1json/schema"));
    schema.map(|schema| rows(document, schema)).unwrap_or_default()
}

/// The schema of what is sent.
fn body(document: &Value) -> Option<&Value> {
    let mut operations = document["paths"].as_object().into_iter().flat_map(Map::values);
    operations.find_map(|item| item.pointer("/post/requestBody/content/application~1json/schema"))
}

fn rows(document: &Value, schema: &Value) -> Vec<Row> {
    let mut rows = Rows::default();
    members(document, schema, "", 0, &mut rows);
    rows.found
}

#[derive(Default)]
struct Rows {
    found: Vec<Row>,
    text: usize,
}

impl Rows {
    fn is_full(&self) -> bool {
        self.found.len() >= MOST_ROWS || self.text >= MOST_TEXT
    }

    fn push(&mut self, row: Row) {
        let texts = [&row.name, &row.kind, &row.description].into_iter();
        let texts = texts.chain(&row.default).chain(&row.limits).chain(&row.examples);
        self.text += texts.map(String::len).sum::<usize>();
        self.found.push(row);
    }
}

fn members(document: &Value, schema: &Value, prefix: &str, depth: usize, rows: &mut Rows) {
    let schema = resolve(document, schema);
    let Some(properties) = schema["properties"].as_object().filter(|_| !rows.is_full()) else { return };
    let listed =
        |member: &str| schema[member].as_array().into_iter().flatten().take(MOST_NAMES).filter_map(Value::as_str);
    let place: HashMap<&str, usize> = listed("x-fal-order-properties").zip(0..).collect();
    let required: HashSet<&str> = listed("required").collect();
    let mut ordered: Vec<(&String, &Value)> = properties.iter().collect();
    ordered.sort_by_key(|(name, _)| place.get(name.as_str()).copied().unwrap_or(usize::MAX));
    for (name, own) in ordered {
        if rows.is_full() {
            return;
        }
        let field = resolve(document, own);
        let full = format!("{prefix}{name}");
        let row = row(document, &full, own, field, required.contains(name.as_str()));
        let is_media = matches!(row.kind.trim_start_matches("list of "), "Image" | "VideoFile" | "AudioFile" | "File");
        rows.push(row);
        if depth < DEEPEST && !is_media {
            members(document, field, &format!("{full}."), depth + 1, rows);
            members(document, &field["items"], &format!("{full}[]."), depth + 1, rows);
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
        assert_eq!(rows[0].limits, ["1 item at least"]);
        assert_eq!(rows.last().unwrap().limits, ["one of fast, slow"]);
        assert_eq!(least(&document()), json!({"tracks": [{"url": "https://example.com/file.bin"}], "mode": "fast"}));
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        assert!(input(&document()).len() < 20);
    }

    #[test]
    fn a_schema_that_holds_itself_under_many_names_ends() {
        let mut document = document();
        let itself = |at: usize| (format!("again{at}"), json!({"$ref": "#/components/schemas/In"}));
        document["components"]["schemas"]["In"] = json!({"properties": (0..100).map(itself).collect::<Map<_, _>>()});
        assert_eq!(input(&document).len(), MOST_ROWS);
    }

    #[test]
    fn a_long_text_that_many_fields_share_is_not_told_for_each() {
        let mut document = document();
        let long = |at: usize| (format!("long{at}"), json!({"$ref": "#/components/schemas/Long"}));
        document["components"]["schemas"]["In"] = json!({"properties": (0..100).map(long).collect::<Map<_, _>>()});
        document["components"]["schemas"]["Long"] = json!({"type": "string", "description": "a".repeat(MOST_TEXT / 2)});
        assert_eq!(input(&document).len(), 2);
    }

    #[test]
    fn a_list_that_wraps_itself_twice_ends() {
        let mut document = document();
        document["components"]["schemas"]["In"] = json!({"properties": {"a": {"$ref": "#/components/schemas/A"}, "b":
            {"type": "array", "items": {"allOf": [{"allOf": [{"$ref": "#/components/schemas/A"}]}]}}}});
        document["components"]["schemas"]["A"] =
            json!({"type": "array", "items": {"allOf": [{"allOf": [{"$ref": "#/components/schemas/A"}]}]}});
        let kinds: Vec<_> = input(&document).into_iter().map(|row| row.kind).collect();
        assert_eq!(kinds, ["A", "list of list of list of list of any"]);
    }

    #[test]
    fn media_of_a_result_are_named_and_not_taken_apart() {
        let rows = output(&document());
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].kind.as_str(), rows[0].description.as_str()), ("VideoFile", "It."));
    }
}
