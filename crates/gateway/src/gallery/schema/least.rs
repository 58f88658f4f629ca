//! An input to begin with: the schema's own example, else the least that can be sent.

use serde_json::{Map, Value};

use super::{Row, body, resolve::resolve};

/// The first example that the schema gives for a whole input; else a value for every field that is required, and none
/// where nothing is known.
pub(in crate::gallery) fn least(document: &Value, rows: &[Row]) -> Value {
    let Some(schema) = body(document).map(|schema| resolve(document, schema)) else { return Value::Object(Map::new()) };
    let whole = [&schema["examples"][0], &schema["example"]].into_iter().find(|value| value.is_object());
    if let Some(whole) = whole {
        return whole.clone();
    }
    let required = rows.iter().filter(|row| row.is_required && !row.name.contains('.'));
    Value::Object(required.map(|row| (row.name.clone(), begun(document, &schema["properties"][&row.name]))).collect())
}

fn begun(document: &Value, own: &Value) -> Value {
    let field = resolve(document, own);
    let said = |member: &str| [own, field].into_iter().map(|schema| &schema[member]).find(|value| !value.is_null());
    let first = |member: &str| said(member).and_then(|list| list.get(0));
    let known = [said("default"), first("examples"), said("example"), first("enum")];
    known.into_iter().flatten().find(|value| !value.is_null()).cloned().unwrap_or_else(|| empty(field))
}

fn empty(field: &Value) -> Value {
    match field["type"].as_str() {
        Some("array") => Value::Array(Vec::new()),
        Some("object") => Value::Object(Map::new()),
        Some("integer" | "number") => field.get("minimum").cloned().unwrap_or_else(|| 0.into()),
        Some("boolean") => false.into(),
        Some("string") => "string".into(),
        _ => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(schema: &Value) -> Value {
        let document = json!({"paths": {"/a/b": {"post": {"requestBody": {"content": {"application/json": {
            "schema": schema,
        }}}}}}, "components": {"schemas": {"Mode": {"type": "string", "enum": ["fast", "slow"]}}}});
        least(&document, &super::super::input(&document))
    }

    #[test]
    fn a_field_that_is_required_begins_with_what_its_schema_says_of_it() {
        let schema = json!({"required": ["prompt", "mode", "steps", "name"], "properties": {
            "prompt": {"type": "string", "examples": ["a red circle"]},
            "mode": {"$ref": "#/components/schemas/Mode"},
            "steps": {"type": "integer", "minimum": 1},
            "name": {"type": "string"},
            "seed": {"type": "integer", "default": 7},
        }});
        assert_eq!(of(&schema), json!({"prompt": "a red circle", "mode": "fast", "steps": 1, "name": "string"}));
    }

    #[test]
    fn an_example_of_the_whole_input_comes_before_all() {
        let schema = json!({"required": ["prompt"], "properties": {"prompt": {"type": "string"}},
            "examples": [{"prompt": "two stars", "seed": 7}]});
        assert_eq!(of(&schema), json!({"prompt": "two stars", "seed": 7}));
    }
}
