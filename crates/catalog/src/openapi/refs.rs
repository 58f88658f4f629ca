//! References inside a document: what a schema needs, and what a document lacks.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{SCHEMAS}{name}")})
}

/// References of `document` that lead nowhere, each once. What leads out of the document is among them: nobody who reads a
/// schema here follows it.
pub fn dangling(document: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    collect(document, &mut found);
    let is_dangling =
        |reference: &&String| reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none();
    found.iter().filter(is_dangling).cloned().collect()
}

/// The schemas that `roots` need, and those that these need. Names that are not there are left out.
pub(super) fn needed(schemas: &Map<String, Value>, roots: &[&Value]) -> Map<String, Value> {
    let mut names = BTreeSet::new();
    for root in roots {
        collect(root, &mut names);
    }
    let mut waiting: Vec<String> = names.iter().cloned().collect();
    while let Some(reference) = waiting.pop() {
        let Some(schema) = name_of(&reference).and_then(|name| schemas.get(name)) else { continue };
        let mut further = BTreeSet::new();
        collect(schema, &mut further);
        waiting.extend(further.into_iter().filter(|reference| names.insert(reference.clone())));
    }
    let names: BTreeSet<&str> = names.iter().filter_map(|reference| name_of(reference)).collect();
    let kept = schemas.iter().filter(|(name, _)| names.contains(name.as_str()));
    kept.map(|(name, schema)| (name.clone(), schema.clone())).collect()
}

/// References may go on inside a schema: `#/components/schemas/Name/properties/x`.
fn name_of(reference: &str) -> Option<&str> {
    reference.strip_prefix(SCHEMAS)?.split('/').next()
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            // Examples may hold anything, a member of this name too.
            for (name, member) in
                members.iter().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples" | "default"))
            {
                match member.as_str() {
                    Some(reference) if name == "$ref" => drop(found.insert(reference.to_owned())),
                    _ => collect(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_leads_nowhere_is_named_once() {
        let document = json!({
            "paths": {"/": {"post": {"requestBody": {"$ref": "#/components/schemas/In"}, "x": [{"$ref": "#/$defs/Mode"}]}}},
            "components": {"schemas": {"In": {"anyOf": [{"$ref": "#/$defs/Mode"}, {"$ref": "other.json#/A"}]}}},
        });
        assert_eq!(dangling(&document), ["#/$defs/Mode", "other.json#/A"]);
        assert!(dangling(&json!({"example": {"$ref": "#/x"}})).is_empty());
    }

    #[test]
    fn schemas_that_need_each_other_are_kept_and_the_rest_left_out() {
        let schemas = json!({
            "A": {"items": {"$ref": "#/components/schemas/B"}},
            "B": {"items": {"$ref": "#/components/schemas/A/items"}},
            "C": {},
        });
        let kept = needed(schemas.as_object().unwrap(), &[&reference("A")]);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["A", "B"]);
    }
}
