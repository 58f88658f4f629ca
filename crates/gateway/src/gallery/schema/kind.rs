//! What a schema takes, in a few words: `list of Image or null`.

use serde_json::Value;

use super::resolve::resolve;

/// Lists and alternatives inside of each other; a schema may hold itself.
const DEEPEST: usize = 4;
/// Alternatives of one schema that are told.
const MOST_ALTERNATIVES: usize = 8;
/// Schemas that are looked at for one field.
const MOST_SCHEMAS: usize = 40;
/// Letters of one name.
const LONGEST: usize = 100;

pub(super) fn kind(document: &Value, schema: &Value) -> String {
    let mut left = MOST_SCHEMAS;
    told(document, schema, 0, &mut left)
}

fn told(document: &Value, schema: &Value, depth: usize, left: &mut usize) -> String {
    if let Some(name) = named(schema) {
        return short(name);
    }
    if depth == DEEPEST || *left == 0 {
        return "any".to_owned();
    }
    *left -= 1;
    let schema = resolve(document, schema);
    let several = ["anyOf", "oneOf"].into_iter().find_map(|word| schema[word].as_array());
    if let Some(several) = several {
        let several = several.iter().take(MOST_ALTERNATIVES);
        let mut kinds: Vec<_> = several.map(|one| told(document, one, depth + 1, left)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    match schema["type"].as_str().unwrap_or("any") {
        "array" => format!("list of {}", told(document, &schema["items"], depth + 1, left)),
        "object" if schema.get("properties").is_some() => {
            short(schema["title"].as_str().filter(|title| !title.contains(' ')).unwrap_or("object"))
        }
        plain => short(plain),
    }
}

/// The name of the schema that this one is nothing but a reference to.
fn named(schema: &Value) -> Option<&str> {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    reference.rsplit('/').next()
}

fn short(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn alternatives_and_lists_are_told() {
        let schema = json!({"anyOf": [{"type": "array", "items": {"$ref": "#/a/Image"}}, {"type": "null"}]});
        assert_eq!(kind(&json!({}), &schema), "list of Image or null");
    }

    #[test]
    fn alternatives_that_hold_themselves_end() {
        let itself = json!({"allOf": [{"allOf": [{"$ref": "#/A"}]}]});
        let document = json!({"A": {"anyOf": vec![itself; 100]}});
        assert!(kind(&document, &document["A"]).len() < 1000);
        let plain: Vec<_> = (0..100).map(|at| json!({"type": format!("t{at}")})).collect();
        assert_eq!(kind(&json!({}), &json!({"oneOf": plain})).split(" or ").count(), MOST_ALTERNATIVES);
    }
}
