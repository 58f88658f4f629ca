//! `google.protobuf.Struct` as JSON.

use prost_types::{Struct, Value as Wire, value::Kind};
use serde_json::{Map, Number, Value};

/// Beyond it not every integer is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// All numbers of a Struct are doubles; those that are whole are integers again afterwards.
pub(crate) fn to_json(found: Struct) -> Value {
    Value::Object(object(found))
}

pub(crate) fn object(found: Struct) -> Map<String, Value> {
    found.fields.into_iter().map(|(name, value)| (name, value_of(value))).collect()
}

fn value_of(value: Wire) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(found)) => Value::Bool(found),
        Some(Kind::NumberValue(found)) => number(found),
        Some(Kind::StringValue(found)) => Value::String(found),
        Some(Kind::ListValue(found)) => Value::Array(found.values.into_iter().map(value_of).collect()),
        Some(Kind::StructValue(found)) => to_json(found),
    }
}

fn number(found: f64) -> Value {
    if found.fract() == 0.0 && found.abs() <= EXACT {
        return Value::Number(Number::from(found as i64));
    }
    Number::from_f64(found).map_or(Value::Null, Value::Number)
}

pub(crate) fn from_json(value: &Value) -> Wire {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(found) => Kind::BoolValue(*found),
        Value::Number(found) => Kind::NumberValue(found.as_f64().unwrap_or_default()),
        Value::String(found) => Kind::StringValue(found.clone()),
        Value::Array(items) => {
            Kind::ListValue(prost_types::ListValue { values: items.iter().map(from_json).collect() })
        }
        Value::Object(members) => Kind::StructValue(struct_of(members)),
    };
    Wire { kind: Some(kind) }
}

pub(crate) fn struct_of(members: &Map<String, Value>) -> Struct {
    Struct { fields: members.iter().map(|(name, value)| (name.clone(), from_json(value))).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_come_back_as_integers_and_the_rest_as_it_was() {
        let value = json!({"a": 3, "b": [1.5, null, true], "c": {"d": "x"}});
        let wire = struct_of(value.as_object().unwrap());
        let back = to_json(wire);
        assert_eq!(back["a"].to_string(), "3");
        assert_eq!((back["b"].clone(), back["c"].clone()), (value["b"].clone(), value["c"].clone()));
    }

    #[test]
    fn a_number_that_json_has_not_becomes_null() {
        assert_eq!((number(f64::NAN), number(f64::INFINITY)), (Value::Null, Value::Null));
    }
}
