//! Whether the schema that came with a deploy can be read by whoever looks at it.

use serde_json::Value;
use tintype_catalog::openapi::{dangling, hoist};

/// References that are named; the rest is counted.
const NAMED: usize = 5;

/// What its deployer should know: references that lead nowhere break forms and generated clients, though not the app.
pub(super) fn note(document: Option<Value>) -> Option<String> {
    let mut document = document?;
    hoist(&mut document);
    let missing = dangling(&document);
    let named = missing.iter().take(NAMED).map(|reference| format!("`{reference}`")).collect::<Vec<_>>().join(", ");
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!missing.is_empty()).then(|| {
        format!(
            "the schema of this app refers to {named}{more}, which it does not define: it can be called, but forms and \
             generated clients will lack these types"
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_that_lead_nowhere_are_told_and_those_that_can_be_found_are_not() {
        let document = |reference: &str| json!({"components": {"schemas": {"In": {"$ref": reference, "$defs": {"Mode": {"type": "string"}}}}}});
        assert_eq!(note(None), None);
        assert_eq!(note(Some(document("#/$defs/Mode"))), None);
        let told = note(Some(document("#/$defs/Other"))).unwrap();
        assert!(told.contains("refers to `#/components/schemas/Other`, which"), "{told}");
    }
}
