//! `cargo run -p xtask -- docs` writes the generated pages anew.

use std::process::ExitCode;

use xtask::pages;

fn main() -> anyhow::Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        Some("docs") => {
            for path in pages::write(&pages::root())? {
                println!("wrote {}", path.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("usage: cargo run -p xtask -- docs");
            Ok(ExitCode::from(2))
        }
    }
}
