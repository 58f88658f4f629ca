//! Reading an input field by field, collecting everything that is wrong with it.
//!
//! As lenient as the hosted models are: unknown fields are ignored, `null` is absent, and a number may come
//! as text. Kinds and wording of the findings are those that callers know from there.

use serde_json::{Map, Value};

use crate::{Detail, Invalid};

pub struct Fields<'a> {
    input: &'a Map<String, Value>,
    found: Vec<Detail>,
}

impl<'a> Fields<'a> {
    pub fn new(input: &'a Map<String, Value>) -> Self {
        Self { input, found: Vec::new() }
    }

    /// The findings, if there are any.
    pub fn finish(self) -> Result<(), Invalid> {
        if self.found.is_empty() { Ok(()) } else { Err(Invalid(self.found)) }
    }

    pub fn reject(&mut self, detail: Detail) {
        self.found.push(detail);
    }

    /// What is there, `null` excepted.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.input.get(name).filter(|value| !value.is_null())
    }

    pub fn require(&mut self, name: &str) {
        if self.get(name).is_none() {
            let found = Value::Object(self.input.clone());
            self.reject(Detail::new(name, "missing", "Field required").found(&found));
        }
    }

    /// `longest` counts characters.
    pub fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        let value = self.get(name)?;
        let Value::String(text) = value else {
            self.reject(Detail::new(name, "string_type", "Input should be a valid string").found(value));
            return None;
        };
        if text.chars().count() > longest {
            let message = format!("String should have at most {longest} characters");
            self.reject(Detail::new(name, "string_too_long", message).with("max_length", longest).found(value));
            return None;
        }
        Some(text.clone())
    }

    pub fn whole(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.get(name)?;
        self.whole_at(name, value, least, most)
    }

    /// As `whole`, for a value inside another; `path` is where it is.
    pub fn whole_at(&mut self, path: &str, value: &Value, least: u64, most: u64) -> Option<u64> {
        let number = match as_number(value) {
            Some(number) if number.fract() == 0.0 => number,
            Some(_) => {
                let message = "Input should be a valid integer, got a number with a fractional part";
                self.reject(Detail::new(path, "int_from_float", message).found(value));
                return None;
            }
            None => {
                self.reject(Detail::new(path, "int_type", "Input should be a valid integer").found(value));
                return None;
            }
        };
        // Whole numbers beyond 2^53 keep their last digits only this way.
        let exact = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        self.within(path, value, number, (least as f64, most as f64))?;
        Some(exact.unwrap_or(number as u64).clamp(least, most))
    }

    pub fn number(&mut self, name: &str, least: f64, most: f64) -> Option<f64> {
        let value = self.get(name)?;
        self.number_at(name, value, least, most)
    }

    /// As `number`, for a value inside another; `path` is where it is.
    pub fn number_at(&mut self, path: &str, value: &Value, least: f64, most: f64) -> Option<f64> {
        let Some(number) = as_number(value) else {
            self.reject(Detail::new(path, "float_type", "Input should be a valid number").found(value));
            return None;
        };
        self.within(path, value, number, (least, most))
    }

    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_u64().and_then(|number| [false, true].get(number as usize).copied()),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if flag.is_none() {
            self.reject(Detail::new(name, "bool_parsing", "Input should be a valid boolean").found(value));
        }
        flag
    }

    /// The place of the value among `allowed`.
    pub fn choice(&mut self, name: &str, allowed: &[&str]) -> Option<usize> {
        let value = self.get(name)?;
        let place = value.as_str().and_then(|text| allowed.iter().position(|word| *word == text));
        if place.is_none() {
            let message = format!("Input should be one of {}", quoted(allowed));
            self.reject(Detail::new(name, "one_of", message).with("expected", allowed.to_vec()).found(value));
        }
        place
    }

    /// Whether a list has as many items as it may.
    pub fn counted(&mut self, name: &str, count: usize, (least, most): (usize, usize)) -> bool {
        let (kind, bound, limit, words) = if count < least {
            ("sequence_too_short", "min_length", least, "at least")
        } else if count > most {
            ("sequence_too_long", "max_length", most, "at most")
        } else {
            return true;
        };
        let message = format!("List should have {words} {limit} items, not {count}");
        self.reject(Detail::new(name, kind, message).with(bound, limit).with("actual_length", count));
        false
    }

    fn within(&mut self, path: &str, value: &Value, number: f64, (least, most): (f64, f64)) -> Option<f64> {
        let (kind, bound, limit, word) = if number < least {
            ("greater_than_equal", "ge", least, "greater")
        } else if number > most {
            ("less_than_equal", "le", most, "less")
        } else {
            return Some(number);
        };
        let message = format!("Input should be {word} than or equal to {limit}");
        // Whole numbers as such, and those below zero as well.
        let limit = match (limit.fract() == 0.0, limit < 0.0) {
            (true, true) => Value::from(limit as i64),
            (true, false) => Value::from(limit as u64),
            (false, _) => Value::from(limit),
        };
        self.reject(Detail::new(path, kind, message).with(bound, limit).found(value));
        None
    }
}

fn as_number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

pub fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(input: &Value, read: impl FnOnce(&mut Fields<'_>)) -> Vec<Detail> {
        let mut fields = Fields::new(input.as_object().unwrap());
        read(&mut fields);
        fields.finish().err().map(|invalid| invalid.0).unwrap_or_default()
    }

    #[test]
    fn numbers_may_come_as_text_and_null_is_absent() {
        let input = json!({ "a": "7", "b": null, "c": 3.0, "d": "0.5", "e": "TRUE", "f": 1 });
        let found = findings(&input, |fields| {
            assert_eq!(
                (fields.whole("a", 0, 9), fields.whole("b", 0, 9), fields.whole("c", 0, 9)),
                (Some(7), None, Some(3))
            );
            assert_eq!(
                (fields.number("d", 0.0, 1.0), fields.flag("e"), fields.flag("f")),
                (Some(0.5), Some(true), Some(true))
            );
        });
        assert_eq!(found, []);
    }

    #[test]
    fn a_limit_is_told_as_it_is_below_zero_too() {
        let found = findings(&json!({ "loudness": 3, "peak": -20, "list": [] }), |fields| {
            fields.number("loudness", -70.0, -5.0);
            fields.number("peak", -9.0, 0.0);
            assert!(!fields.counted("list", 0, (2, 5)) && !fields.counted("list", 6, (2, 5)));
            assert!(fields.counted("list", 2, (2, 5)));
        });
        assert_eq!((found[0].ctx["le"].as_i64(), found[1].ctx["ge"].as_i64()), (Some(-5), Some(-9)));
        assert!(found[0].msg.ends_with("-5") && found[1].msg.ends_with("-9"));
        assert_eq!((found[2].kind.as_str(), found[3].kind.as_str()), ("sequence_too_short", "sequence_too_long"));
        assert_eq!(found[3].msg, "List should have at most 5 items, not 6");
    }

    #[test]
    fn large_whole_numbers_keep_every_digit() {
        findings(&json!({ "seed": 9_007_199_254_740_993_u64 }), |fields| {
            assert_eq!(fields.whole("seed", 0, u64::MAX), Some(9_007_199_254_740_993));
        });
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let input = json!({ "a": 10, "b": -1, "c": 1.5, "d": [], "e": "maybe", "f": "bmp", "g": 5, "h": "xyz" });
        let found = findings(&input, |fields| {
            fields.whole("a", 1, 9);
            fields.whole("b", 0, 9);
            fields.whole("c", 0, 9);
            fields.number("d", 0.0, 1.0);
            fields.flag("e");
            fields.choice("f", &["png", "jpeg"]);
            fields.text("g", 9);
            fields.text("h", 2);
            fields.require("i");
        });
        let kinds: Vec<&str> = found.iter().map(|detail| detail.kind.as_str()).collect();
        let expected = [
            "less_than_equal",
            "greater_than_equal",
            "int_from_float",
            "float_type",
            "bool_parsing",
            "one_of",
            "string_type",
            "string_too_long",
            "missing",
        ];
        assert_eq!(kinds, expected);
        assert_eq!(
            serde_json::to_value(&found[0]).unwrap(),
            json!({ "loc": ["body", "a"], "msg": "Input should be less than or equal to 9", "type": "less_than_equal",
                    "ctx": { "le": 9 }, "input": 10 })
        );
        assert_eq!(found[5].ctx["expected"], json!(["png", "jpeg"]));
    }
}
