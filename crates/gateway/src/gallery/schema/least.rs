//! An input to begin with: the schema's own example, else the least that can be sent.

use serde_json::{Map, Value};

use super::{
    body, input,
    made::{number, text},
    resolve::resolve,
};

/// Members of members, and items of items.
const DEEPEST: usize = 5;
/// Schemas come from whoever deploys: one that asks for very many values gets so many.
const MOST_VALUES: usize = 200;
const MOST_ITEMS: usize = 16;
pub(super) const MEDIA: [&str; 4] = ["image", "video", "audio", "file"];

/// The first example that the schema gives for a whole input; else a value for every field that is required, and none
/// where nothing is known.
pub(in crate::gallery) fn least(document: &Value) -> Value {
    let Some(schema) = body(document).map(|schema| resolve(document, schema)) else { return Value::Object(Map::new()) };
    let whole = [&schema["examples"][0], &schema["example"]].into_iter().find(|value| value.is_object());
    if let Some(whole) = whole {
        return whole.clone();
    }
    let mut maker = Maker { document, names: Vec::new(), left: MOST_VALUES };
    let rows = input(document);
    let required = rows.iter().filter(|row| row.is_required && !row.name.contains('.'));
    Value::Object(required.map(|row| (row.name.clone(), maker.member(schema, &row.name, 0))).collect())
}

struct Maker<'a> {
    document: &'a Value,
    /// Of the value that is being made and of what it stands in, the outermost first.
    names: Vec<String>,
    left: usize,
}

impl Maker<'_> {
    fn member(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        let before = self.names.len();
        self.names.push(name.to_owned());
        let value = self.value(&schema["properties"][name], depth);
        self.names.truncate(before);
        value
    }

    fn value(&mut self, own: &Value, depth: usize) -> Value {
        let field = resolve(self.document, own);
        let said = |member: &str| [own, field].into_iter().map(|schema| &schema[member]).find(|value| !value.is_null());
        let first = |member: &str| said(member).and_then(|list| list.get(0));
        let known = [said("default"), first("examples"), said("example"), first("enum")];
        if let Some(known) = known.into_iter().flatten().find(|value| !value.is_null()) {
            return known.clone();
        }
        let widget = said("ui").and_then(|ui| ui["field"].as_str()).filter(|widget| MEDIA.contains(widget));
        let before = self.names.len();
        self.names.extend(widget.map(str::to_owned));
        let value = self.made(field, depth);
        self.names.truncate(before);
        value
    }

    fn made(&mut self, field: &Value, depth: usize) -> Value {
        let alternatives = ["anyOf", "oneOf"].iter().filter_map(|member| field[*member].as_array()).flatten();
        let chosen = alternatives.into_iter().find(|one| resolve(self.document, one)["type"] != "null");
        match field["type"].as_str() {
            Some("array") => self.list(field, depth),
            Some("object") => self.object(field, depth),
            Some("integer" | "number") => number(field),
            Some("boolean") => false.into(),
            Some("string") => text(field, &self.names),
            _ if field["properties"].is_object() => self.object(field, depth),
            _ => match chosen.filter(|_| depth < DEEPEST) {
                Some(chosen) => self.value(chosen, depth + 1),
                None => "".into(),
            },
        }
    }

    /// A list that is asked for has an item, and as many as it must have.
    fn list(&mut self, field: &Value, depth: usize) -> Value {
        let most = field["maxItems"].as_u64().unwrap_or(u64::MAX);
        let count = field["minItems"].as_u64().unwrap_or(1).clamp(1, MOST_ITEMS as u64).min(most);
        if count == 0 || depth >= DEEPEST || self.left == 0 {
            return Value::Array(Vec::new());
        }
        let item = self.value(&field["items"], depth + 1);
        let count = usize::try_from(count).unwrap_or(1).min(self.left);
        self.left -= count;
        Value::Array(vec![item; count])
    }

    fn object(&mut self, field: &Value, depth: usize) -> Value {
        let required = field["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if depth >= DEEPEST {
            return Value::Object(Map::new());
        }
        let before = self.names.len();
        self.names.extend(field["title"].as_str().map(str::to_owned));
        let mut members = Map::new();
        for name in required {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            members.insert(name.to_owned(), self.member(field, name, depth + 1));
        }
        self.names.truncate(before);
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests;
