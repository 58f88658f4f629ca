//! Definitions that were left inside of schemas come to where the document's schemas are, so that references find them.
//!
//! Schema generators put the types of unions into `$defs` of the model that uses them, and refer to them as if the model
//! were the whole document.

use serde_json::{Map, Value};

const WORDS: [&str; 2] = ["$defs", "definitions"];

/// Moves every nested definition into the schemas of `document`. One that is there already stays as it is.
pub fn hoist(document: &mut Value) {
    let mut found = Map::new();
    take(document, 0, &mut found);
    if found.is_empty() {
        return;
    }
    let Some(members) = document.as_object_mut() else { return };
    let components = members.entry("components").or_insert_with(|| Value::Object(Map::new()));
    let Some(components) = components.as_object_mut() else { return };
    let schemas = components.entry("schemas").or_insert_with(|| Value::Object(Map::new()));
    let Some(schemas) = schemas.as_object_mut() else { return };
    for (name, definition) in found {
        schemas.entry(name).or_insert(definition);
    }
    point(document, 0);
}

/// As deep as a document can be that came as JSON.
const DEEPEST: usize = 128;

fn take(value: &mut Value, depth: usize, found: &mut Map<String, Value>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(members) => {
            for word in WORDS {
                // A field of a model may be called so too: then it describes a field, and has no members that are schemas.
                let Some(Value::Object(inner)) = members.get(word) else { continue };
                if !inner.values().all(Value::is_object) {
                    continue;
                }
                let Some(Value::Object(inner)) = members.remove(word) else { continue };
                for (name, mut definition) in inner {
                    take(&mut definition, depth + 1, found);
                    found.entry(name).or_insert(definition);
                }
            }
            members.values_mut().for_each(|member| take(member, depth + 1, found));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take(item, depth + 1, found)),
        _ => {}
    }
}

fn point(value: &mut Value, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let nested = member.as_str().filter(|_| name == "$ref").and_then(nested);
                match nested {
                    Some(name) => *member = format!("#/components/schemas/{name}").into(),
                    None => point(member, depth + 1),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point(item, depth + 1)),
        _ => {}
    }
}

fn nested(reference: &str) -> Option<String> {
    WORDS.iter().find_map(|word| reference.strip_prefix("#/")?.strip_prefix(word)?.strip_prefix('/')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openapi::dangling;

    #[test]
    fn definitions_inside_of_a_model_are_found_by_its_references() {
        let mut document = json!({"components": {"schemas": {"In": {
            "properties": {"mode": {"anyOf": [{"$ref": "#/$defs/Fast"}, {"type": "null"}]}},
            "$defs": {"Fast": {"items": {"$ref": "#/$defs/Deep"}, "$defs": {"Deep": {"type": "string"}}}},
        }}}});
        assert_eq!(dangling(&document), ["#/$defs/Deep", "#/$defs/Fast"]);
        hoist(&mut document);
        assert_eq!(dangling(&document), Vec::<String>::new());
        assert_eq!(document["components"]["schemas"]["Deep"], json!({"type": "string"}));
    }

    #[test]
    fn a_field_that_is_called_so_stays_a_field() {
        let mut document = json!({"properties": {"definitions": {"type": "string"}}});
        let before = document.clone();
        hoist(&mut document);
        assert_eq!(document, before);
    }
}
