//! What the operator of a process decided holds for all that it runs. One test: it is decided once a process.

use std::fs;

use tintype_programs::{
    Sandboxing, Settings,
    film::{self, Container, Film},
    set, sweep,
};

#[test]
fn programs_work_behind_walls_in_the_folder_of_the_process_and_leave_nothing() {
    let root = tempfile::tempdir().unwrap();
    let work = root.path().join("work");
    let warn = |message: &str| panic!("{message}");
    set(Settings { sandboxing: Sandboxing::Required, folder: Some(work.clone()), warn });
    // What was said first holds.
    set(Settings { sandboxing: Sandboxing::Off, ..Settings::default() });
    let frames = [vec![90; 16 * 16 * 3]];
    let mut seen = Vec::new();
    let film = Film { width: 16, height: 16, fps: 8.0, frames: &frames };
    // Asked whether it still waits, the caller looks around.
    let mut look = || fs::read_dir(&work).unwrap().flatten().any(|entry| entry.file_name() != "lock");
    let bytes = film::write(film, Container::Gif, &mut look).unwrap();
    assert!(bytes.starts_with(b"GIF89a"));
    sweep(&work).unwrap();
    for entry in fs::read_dir(&work).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        seen.extend(fs::read_dir(entry.path()).unwrap().flatten().map(|entry| entry.file_name()));
    }
    assert_eq!(seen, ["lock"], "the folder of a living process stays, and holds its lock alone");
}
