//! The house as it stands.

use std::process::Command;

use xtask::{layers, pages};

#[test]
fn arrows_between_crates_point_down_only() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let words = ["metadata", "--no-deps", "--format-version", "1", "--offline"];
    let output = Command::new(cargo).args(words).current_dir(pages::root()).output().unwrap();
    let metadata = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(layers::violations(&metadata).unwrap(), Vec::<String>::new());
}

#[test]
fn generated_pages_are_what_the_code_says() {
    for (name, text) in pages::all() {
        let present = std::fs::read_to_string(pages::root().join(name)).unwrap_or_default();
        assert!(present == text, "{name} is not what the code says: run `make docs`");
    }
}
