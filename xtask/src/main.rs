//! `cargo run -p xtask -- docs` writes the generated pages anew.

use std::process::ExitCode;

use xtask::pages;

fn main() -> anyhow::Result<ExitCode> {
    if std::env::args().nth(1).as_deref() != Some("docs") {
        eprintln!("usage: cargo run -p xtask -- docs");
        return Ok(ExitCode::from(2));
    }
    for path in pages::write(&pages::root())? {
        println!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
