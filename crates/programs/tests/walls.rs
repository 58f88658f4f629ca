//! Walls do not hang on the folders of this process.

use std::{env, process::Command};

use tintype_programs::{Sandboxing, Settings, ffmpeg::Ffmpeg, set};

const INSIDE: &str = "TINTYPE_TEST_INSIDE";

/// Runs itself again: where the system's own place is, is decided ahead of a process.
#[test]
fn there_are_walls_where_the_systems_own_place_for_files_is_missing() {
    if env::var_os(INSIDE).is_some() {
        let warn = |message: &str| panic!("{message}");
        set(Settings { sandboxing: Sandboxing::Required, folder: None, warn });
        Ffmpeg::find().unwrap();
        return;
    }
    let mut again = Command::new(env::current_exe().unwrap());
    let name = "there_are_walls_where_the_systems_own_place_for_files_is_missing";
    again.args(["--exact", name]).env(INSIDE, "1").env("TMPDIR", "/tintype/is/not/there");
    let ended = again.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}
