//! With FFmpeg itself: what it makes is heard again.

use std::process::Command;

use tintype_programs::{
    Caller, ProcessError,
    sound::{self, Limits, SoundError},
};

const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_seconds: 3.0 };

/// What FFmpeg makes of these words.
fn made(words: &str, name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let ended = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(words.split(' ')).arg(&path).output();
    let ended = ended.expect("FFmpeg is installed: apt-get install ffmpeg");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    std::fs::read(path).unwrap()
}

struct Gone;

impl Caller for Gone {
    fn wanted(&self) -> bool {
        false
    }
}

#[test]
fn a_caller_who_left_gets_no_sound() {
    let tone = made("-f lavfi -i sine=duration=1 -c:a pcm_s16le", "tone.wav");
    let found = sound::decode(&tone, 16_000, LIMITS, &mut Gone);
    assert!(matches!(found, Err(SoundError::Process(ProcessError::Cancelled))));
}

#[test]
fn opus_is_heard_in_every_container_at_the_rate_that_is_wanted() {
    let tone = "-f lavfi -i sine=frequency=1000:duration=1";
    let seen = "-f lavfi -i color=size=16x16:rate=5:duration=1";
    for (words, name) in [
        (format!("{tone} -c:a libopus"), "tone.ogg"),
        (format!("{tone} -c:a libopus"), "tone.webm"),
        (format!("{seen} {tone} -c:a libopus -strict -2 -shortest"), "tone.mp4"),
        (format!("{tone} -c:a ac3"), "tone.ac3"),
    ] {
        let samples = sound::decode(&made(&words, name), 16_000, LIMITS, &mut || true).unwrap();
        assert!(samples.len().abs_diff(16_000) < 1600, "{name}: {}", samples.len());
        let rises = samples.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count();
        assert!(rises.abs_diff(1000) < 60, "{name}: {rises} waves in a second");
    }
}

#[test]
fn what_is_too_long_too_large_or_no_sound_is_refused() {
    let long = made("-f lavfi -i anullsrc=r=8000 -t 5 -c:a libopus", "long.ogg");
    let decode = |bytes: &[u8]| sound::decode(bytes, 16_000, LIMITS, &mut || true).unwrap_err();
    assert!(matches!(decode(&long), SoundError::TooLong { .. }));
    assert!(matches!(decode(&vec![0; (1 << 20) + 1]), SoundError::TooLarge { .. }));
    let silent = made("-f lavfi -i color=size=16x16:rate=5:duration=1", "silent.mp4");
    for bytes in [&b""[..], b"hello", &silent, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"] {
        assert!(matches!(decode(bytes), SoundError::Unreadable(_)));
    }
}
