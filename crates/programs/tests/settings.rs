//! What the operator of a process decided holds for all that it runs. One test: it is decided once a process.

use std::fs;

use tintype_programs::{
    Sandboxing, Settings, set,
    sound::{self, Limits},
    sweep,
};

/// A hundred samples of silence, as WAV.
fn silence() -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(236_u32.to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend([8000_u32, 16_000].map(u32::to_le_bytes).as_flattened());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(200_u32.to_le_bytes());
    bytes.extend([0; 200]);
    bytes
}

#[test]
fn programs_work_behind_walls_in_the_folder_of_the_process_and_leave_nothing() {
    let root = tempfile::tempdir().unwrap();
    let work = root.path().join("work");
    let warn = |message: &str| panic!("{message}");
    set(Settings { sandboxing: Sandboxing::Required, folder: Some(work.clone()), warn });
    // What was said first holds.
    set(Settings { sandboxing: Sandboxing::Off, ..Settings::default() });
    let mut seen = Vec::new();
    // Asked whether it still waits, the caller looks around.
    let mut look = || fs::read_dir(&work).unwrap().flatten().any(|entry| entry.file_name() != "lock");
    let limits = Limits { max_bytes: 1000, max_seconds: 1.0 };
    assert_eq!(sound::decode(&silence(), 8000, limits, &mut look).unwrap(), [0.0; 100]);
    sweep(&work).unwrap();
    for entry in fs::read_dir(&work).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        seen.extend(fs::read_dir(entry.path()).unwrap().flatten().map(|entry| entry.file_name()));
    }
    assert_eq!(seen, ["lock"], "the folder of a living process stays, and holds its lock alone");
}
