//! The document of a deployed app, as it is kept: everybody who deploys may send one, and every reader of the gallery pays
//! for it.

use std::io;

use serde_json::{Number, Value};
use tintype_domain::AppId;

use crate::openapi;

const MOST_BYTES: usize = 1 << 20;
const MOST_PATHS: usize = 500;

/// `None`: it is too large. The app is then called all the same, and listed without a schema.
pub(super) fn admit(app: &AppId, mut document: Value) -> Option<Value> {
    let paths = document["paths"].as_object().map_or(0, serde_json::Map::len);
    if paths > MOST_PATHS {
        tracing::warn!(%app, "app {app} is listed without its schema, which has {paths} paths: at most {MOST_PATHS} are shown");
        return None;
    }
    if serde_json::to_writer(Room(MOST_BYTES), &document).is_err() {
        tracing::warn!(%app, "app {app} is listed without its schema: at most {MOST_BYTES} bytes of one are kept");
        return None;
    }
    restore_integers(&mut document);
    openapi::hoist(&mut document);
    Some(document)
}

/// Takes so many bytes and keeps none.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// On their way here all numbers became doubles; those that are whole were integers before.
fn restore_integers(value: &mut Value) {
    /// Beyond it not every integer is a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => {
            let double = number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() <= EXACT);
            if let Some(double) = double.filter(|_| number.is_f64()) {
                *number = Number::from(double as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(restore_integers),
        Value::Object(members) => members.values_mut().for_each(restore_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admitted(document: Value) -> Option<Value> {
        admit(&"ann/app".parse().unwrap(), document)
    }

    #[test]
    fn whole_doubles_of_a_document_are_integers_again() {
        let found = admitted(json!({"a": 3.0, "b": [1.5, -0.0], "c": 1e300, "d": "3.0"})).unwrap();
        assert_eq!(found.to_string(), r#"{"a":3,"b":[1.5,0],"c":1e+300,"d":"3.0"}"#);
    }

    #[test]
    fn a_document_that_is_too_large_is_not_kept() {
        let sized = |bytes: usize| admitted(json!({"info": "a".repeat(bytes)})).is_some();
        assert!(sized(MOST_BYTES - 64) && !sized(MOST_BYTES));
    }

    #[test]
    fn a_document_with_too_many_paths_is_not_kept() {
        let with = |paths: usize| {
            let paths = (0..paths).map(|at| (format!("/{at}"), json!({"post": {}})));
            admitted(json!({"paths": paths.collect::<serde_json::Map<_, _>>()})).is_some()
        };
        assert!(with(MOST_PATHS) && !with(MOST_PATHS + 1));
    }
}
