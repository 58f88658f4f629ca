//! Where the program lies whose runners the server starts.

use std::path::PathBuf;

/// `TINTYPE_BIN`, else `tintype` beside the test that runs: `target/debug/deps/test-…` → `target/debug/tintype`.
pub(crate) fn find() -> PathBuf {
    if let Some(path) = std::env::var_os("TINTYPE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test is a program");
    let beside = test.ancestors().skip(1).take(3).map(|folder| folder.join("tintype")).find(|path| path.is_file());
    beside.expect("no `tintype` beside this test: run `cargo build -p tintype-cli` first")
}
