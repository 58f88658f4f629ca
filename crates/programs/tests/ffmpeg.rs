//! With FFmpeg itself: what it makes is heard and looked at again.

use std::process::Command;

use tintype_programs::{
    Caller, ProcessError,
    sound::{self, Limits, SoundError},
    video::{self, Container, Video, VideoError},
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

/// The frames of a video, read again as RGB.
fn frames(video: &[u8], name: &str, size: usize) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (path, raw) = (folder.path().join(name), folder.path().join("raw"));
    std::fs::write(&path, video).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(&path);
    command.args("-fps_mode passthrough -f rawvideo -pix_fmt rgb24".split(' '));
    assert!(command.arg(&raw).status().unwrap().success());
    std::fs::read(raw).unwrap().chunks(size).map(<[u8]>::to_vec).collect()
}

const COLOURS: [[u8; 3]; 4] = [[220, 30, 30], [30, 200, 40], [40, 50, 220], [230, 230, 230]];

/// Four frames, each of one colour.
fn colours(width: u32, height: u32) -> Vec<Vec<u8>> {
    COLOURS.iter().map(|colour| colour.repeat((width * height) as usize)).collect()
}

#[test]
fn colours_and_their_order_are_kept_in_mp4_and_gif() {
    let given = colours(64, 48);
    let video = Video { width: 64, height: 48, fps: 8.0, frames: &given };
    for container in [Container::Mp4, Container::Gif] {
        let bytes = video::write(video, container, &mut || true).unwrap();
        let found = frames(&bytes, container.extension(), 64 * 48 * 3);
        assert_eq!(found.len(), 4, "{container:?}");
        for (frame, colour) in found.iter().zip(COLOURS) {
            let far = frame[..3].iter().zip(colour).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(far < 8, "{container:?}: {:?} for {colour:?}", &frame[..3]);
        }
    }
}

/// FFmpeg 5 writes it and does not read it: its own words are read here.
#[test]
fn a_webp_has_all_its_frames() {
    let given = colours(32, 32);
    let video = Video { width: 32, height: 32, fps: 10.0, frames: &given };
    let bytes = video::write(video, Container::Webp, &mut || true).unwrap();
    let count = |word: &[u8]| bytes.windows(4).filter(|four| *four == word).count();
    assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
    assert_eq!((count(b"ANIM"), count(b"ANMF")), (1, 4));
}

#[test]
fn odd_sides_lose_a_row_in_mp4_alone() {
    let given = colours(33, 31);
    let video = Video { width: 33, height: 31, fps: 12.5, frames: &given };
    let mp4 = video::write(video, Container::Mp4, &mut || true).unwrap();
    assert_eq!(frames(&mp4, "mp4", 32 * 30 * 3).len(), 4);
    let gif = video::write(video, Container::Gif, &mut || true).unwrap();
    assert_eq!(frames(&gif, "gif", 33 * 31 * 3).len(), 4);
}

#[test]
fn frames_of_another_size_and_videos_of_nothing_are_refused() {
    let mut given = colours(16, 16);
    given[2].pop();
    let write = |frames, fps| video::write(Video { width: 16, height: 16, fps, frames }, Container::Gif, &mut || true);
    assert!(matches!(write(&given, 8.0), Err(VideoError::Shape { number: 2, found: 767, .. })));
    let vast = Video { width: u32::MAX, height: u32::MAX, fps: 8.0, frames: &given };
    assert!(matches!(video::write(vast, Container::Gif, &mut || true), Err(VideoError::Empty)));
    assert!(matches!(write(&[], 8.0), Err(VideoError::Empty)));
    assert!(matches!(write(&given[..1], f64::NAN), Err(VideoError::Empty)));
}

struct Gone;

impl Caller for Gone {
    fn wanted(&self) -> bool {
        false
    }
}

#[test]
fn a_caller_who_left_gets_neither_video_nor_sound() {
    let given = colours(16, 16);
    let video = Video { width: 16, height: 16, fps: 8.0, frames: &given };
    let found = video::write(video, Container::Mp4, &mut Gone);
    assert!(matches!(found, Err(VideoError::Process(ProcessError::Cancelled))));
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
