//! The name of an environment: a digest of all that decides what is in it.

use ring::digest::{SHA256, digest};

use super::requirement::Layer;

/// Raised when the way of building changes, so that what was built before is not taken for the same.
const FORMAT: u32 = 2;
/// As long a name as keeps two environments apart for sure, and still fits into paths.
const DIGITS: usize = 40;

/// `python` is the full version: compiled packages and bytecode belong to it.
///
/// Accounts share none: what the packages of one do while they are installed may reach what it installs later.
/// Secrets are in the lines by value: whoever holds another secret is to get another environment. Whether bytecode
/// was asked for is not here, because it is always compiled.
pub(super) fn id(account: &str, python: &str, layers: &[Layer], resolver: Option<&str>, additions: &[&str]) -> String {
    let layers: Vec<_> = layers.iter().map(|layer| (&layer.file, &layer.flags)).collect();
    let text = serde_json::json!([FORMAT, account, python, layers, resolver, additions]).to_string();
    let mut id = hex::encode(digest(&SHA256, text.as_bytes()));
    id.truncate(DIGITS);
    id
}

/// Whether `id` can be the name of an environment; what is not one never becomes part of a path.
pub(super) fn is_id(id: &str) -> bool {
    id.len() == DIGITS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(lines: &[&[&str]]) -> Vec<Layer> {
        let layer = |lines: &&[&str]| {
            let mut layer = Layer::default();
            for line in *lines {
                layer.add(line, line).unwrap();
            }
            layer
        };
        lines.iter().map(layer).collect()
    }

    #[test]
    fn everything_that_decides_the_content_decides_the_name() {
        let base = id("ann", "3.11.7", &layers(&[&["a", "b"]]), Some("uv"), &["cloudpickle"]);
        assert!(is_id(&base));
        let others = [
            id("bob", "3.11.7", &layers(&[&["a", "b"]]), Some("uv"), &["cloudpickle"]),
            id("ann", "3.11.8", &layers(&[&["a", "b"]]), Some("uv"), &["cloudpickle"]),
            id("ann", "3.11.7", &layers(&[&["b", "a"]]), Some("uv"), &["cloudpickle"]),
            id("ann", "3.11.7", &layers(&[&["a"], &["b"]]), Some("uv"), &["cloudpickle"]),
            id("ann", "3.11.7", &layers(&[&["a", "b", "--pre"]]), Some("uv"), &["cloudpickle"]),
            id("ann", "3.11.7", &layers(&[&["a", "b"]]), None, &["cloudpickle"]),
            id("ann", "3.11.7", &layers(&[&["a", "b"]]), Some("uv"), &["cloudpickle", "grpcio"]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn blanks_and_comments_do_not() {
        let plain = id("ann", "3.11.7", &layers(&[&["a"]]), None, &[]);
        assert_eq!(id("ann", "3.11.7", &layers(&[&[" a ", "", "# why"]]), None, &[]), plain);
    }

    #[test]
    fn a_path_is_not_a_name() {
        assert!(!is_id("../../../../../../../../etc/passwd/aaaaaa"));
        assert!(!is_id("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    }
}
