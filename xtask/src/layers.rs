//! The table of layers: a crate may use crates of lower layers alone.

use anyhow::Context;
use serde_json::Value;

/// From the bottom up. What is not here (`testkit`, `xtask`, tools for measurements) is used by tests and people alone.
pub const LAYERS: &[(&str, u8)] = &[
    ("tintype-domain", 0),
    ("tintype-wire", 1),
    ("tintype-store", 1),
    ("tintype-blob", 1),
    ("tintype-media", 1),
    ("tintype-kernels", 1),
    ("tintype-outbound", 1),
    ("tintype-programs", 1),
    ("tintype-engine", 2),
    ("tintype-access", 2),
    ("tintype-catalog", 2),
    ("tintype-weights", 2),
    ("tintype-launch", 2),
    ("tintype-perception", 3),
    ("tintype-diffusion", 3),
    ("tintype-dispatch", 3),
    ("tintype-tools", 3),
    ("tintype-runner", 4),
    ("tintype-gateway", 4),
    ("tintype-serverless", 4),
    ("tintype-server", 5),
    ("tintype-cli", 6),
];

/// Crates that may use any, and that none of the table may use.
pub const OUTSIDE: &[&str] = &["tintype-testkit", "tintype-peer", "xtask"];

/// An arrow that the table forbids, in words.
pub type Violation = String;

/// Reads the output of `cargo metadata --no-deps`.
pub fn violations(metadata: &Value) -> anyhow::Result<Vec<Violation>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut found = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package without a name")?;
        let own = layer(name);
        if own.is_none() && !OUTSIDE.contains(&name) {
            found.push(format!("{name} stands in no layer: give it one in xtask/src/layers.rs"));
        }
        for used in dependencies(package) {
            let Some(own) = own else { continue };
            if layer(used).is_none_or(|below| below >= own) {
                found.push(format!("{name} (layer {own}) may not use {used}"));
            }
        }
    }
    Ok(found)
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// Crates of the house that a package uses outside its tests.
fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours = |name: &&str| name.starts_with("tintype-") || *name == "xtask";
    all.iter().filter(|used| used["kind"].is_null()).filter_map(|used| used["name"].as_str()).filter(ours)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn house(name: &str, used: &str, kind: Option<&str>) -> Vec<Violation> {
        let package =
            json!({"name": name, "dependencies": [{"name": used, "kind": kind}, {"name": "serde", "kind": null}]});
        violations(&json!({"packages": [package]})).unwrap()
    }

    #[test]
    fn an_arrow_upwards_or_sideways_is_named() {
        assert_eq!(
            house("tintype-store", "tintype-gateway", None),
            ["tintype-store (layer 1) may not use tintype-gateway"]
        );
        assert_eq!(house("tintype-store", "tintype-blob", None), ["tintype-store (layer 1) may not use tintype-blob"]);
        assert!(house("tintype-gateway", "tintype-store", None).is_empty());
    }

    #[test]
    fn tests_may_use_what_they_need_and_the_house_no_tools() {
        assert!(house("tintype-store", "tintype-testkit", Some("dev")).is_empty());
        assert_eq!(
            house("tintype-cli", "tintype-testkit", None),
            ["tintype-cli (layer 6) may not use tintype-testkit"]
        );
    }

    #[test]
    fn a_new_crate_must_be_given_a_layer() {
        assert!(house("tintype-new", "serde", None)[0].starts_with("tintype-new stands in no layer"));
    }
}
