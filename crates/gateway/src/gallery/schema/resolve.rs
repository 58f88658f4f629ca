//! Where references of a schema lead.

use serde_json::Value;

/// Follows references, as far as they lead somewhere; of an `allOf` with one schema, that one.
pub(super) fn resolve<'a>(document: &'a Value, mut schema: &'a Value) -> &'a Value {
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
