//! Sound and video, with FFmpeg itself: what is made is looked at again.
//!
//! Without FFmpeg on the machine they fail, and say so.

#![expect(clippy::float_cmp, reason = "whole numbers, and lengths that are said as they are")]

mod shared;

use std::{process::Command, sync::OnceLock};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use shared::Notes;
use tintype_engine::{Cancelled, Invalid, Made, Model, Output, Place, RunError, Step, Watch};
use tintype_tools::App;

struct Gone;

impl Watch for Gone {
    fn note(&mut self, _: &str) {}

    fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
        Err(Cancelled)
    }

    fn wanted(&self) -> Result<(), Cancelled> {
        Err(Cancelled)
    }
}

/// Files that FFmpeg makes from nothing, once.
struct Samples {
    /// Two seconds, 160 by 90, 10 frames a second, with a tone.
    video: Bytes,
    /// One second, 64 by 64, 20 frames a second, silent.
    silent: Bytes,
    /// One second of a tone, one channel, 22050 Hz.
    tone: Bytes,
    /// Half a second of noise.
    noise: Bytes,
    /// Red, 32 by 32.
    image: Bytes,
}

fn samples() -> &'static Samples {
    static MADE: OnceLock<Samples> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let make = |words: &str, name: &str| {
            let path = folder.path().join(name);
            let run = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(words.split(' ')).arg(&path).output();
            let run = run.expect("these tests need FFmpeg: apt-get install ffmpeg");
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            Bytes::from(std::fs::read(path).unwrap())
        };
        let tone = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=2";
        Samples {
            video: make(
                &format!("-f lavfi -i testsrc=size=160x90:rate=10:duration=2 {tone} -pix_fmt yuv420p -shortest"),
                "video.mp4",
            ),
            silent: make("-f lavfi -i testsrc2=size=64x64:rate=20:duration=1 -pix_fmt yuv420p", "silent.mp4"),
            tone: make("-f lavfi -i sine=frequency=880:sample_rate=22050:duration=1", "tone.wav"),
            noise: make("-f lavfi -i anoisesrc=duration=0.5:amplitude=0.3:seed=7", "noise.flac"),
            image: make("-f lavfi -i color=c=red:size=32x32:duration=1:rate=1 -frames:v 1", "image.png"),
        }
    })
}

/// `URL`s in an input stand for files, in their order.
fn call_with(
    app: &App,
    path: &str,
    input: &Value,
    files: &[&Bytes],
    watch: &mut dyn Watch,
) -> Result<Output, RunError> {
    let plan = app.plan(path, input.as_object().unwrap())?;
    assert_eq!(plan.files().len(), files.len(), "{path}");
    plan.run(files.iter().map(|file| (*file).clone()).collect(), watch)
}

fn api(path: &str, input: &Value, files: &[&Bytes]) -> Output {
    call_with(&tintype_tools::ffmpeg_api(), path, input, files, &mut Notes::default()).unwrap()
}

fn utility(path: &str, input: &Value, files: &[&Bytes]) -> Output {
    let input = input.as_object().unwrap().clone();
    call_with(&tintype_tools::workflow_utilities(), path, &Value::Object(input), files, &mut Notes::default()).unwrap()
}

fn only(output: &Output) -> &Made {
    assert_eq!(output.files.len(), 1);
    &output.files[0].1
}

fn number(facts: &Map<String, Value>, name: &str) -> f64 {
    facts[name].as_f64().unwrap_or_else(|| panic!("{name} in {facts:?}"))
}

#[track_caller]
fn near(value: f64, wanted: f64, within: f64) {
    assert!((value - wanted).abs() <= within, "{value} is not {wanted} give or take {within}");
}

#[track_caller]
fn is_video(made: &Made, width: u32, height: u32, seconds: f64) {
    assert_eq!((made.content_type, made.extension), ("video/mp4", "mp4"));
    assert_eq!((number(&made.facts, "width"), number(&made.facts, "height")), (width.into(), height.into()));
    near(number(&made.facts, "duration"), seconds, 0.15);
}

/// What the tool itself says of a file.
fn media(file: &Bytes) -> Value {
    api("/metadata", &json!({ "media_url": "URL" }), &[file]).fields["media"].clone()
}

/// The kind of the first finding, whether before the files are there or after.
fn refusal(app: &App, path: &str, input: &Value, files: &[&Bytes]) -> (String, Value) {
    let Invalid(found) = match app.plan(path, input.as_object().unwrap()) {
        Err(invalid) => invalid,
        Ok(plan) => match plan.run(files.iter().map(|file| (*file).clone()).collect(), &mut Notes::default()) {
            Err(RunError::Invalid(invalid)) => invalid,
            other => panic!("{path} was not refused: {other:?}"),
        },
    };
    (found[0].kind.clone(), Value::from(found[0].loc.clone()))
}

#[test]
fn metadata_tells_what_is_in_a_file() {
    let samples = samples();
    let told = media(&samples.video);
    assert_eq!(told["media_type"], "video");
    assert_eq!(told["resolution"], json!({ "width": 160, "height": 90, "aspect_ratio": "16:9" }));
    assert_eq!((&told["codec"], &told["fps"], &told["frame_count"]), (&"h264".into(), &10.0.into(), &20.into()));
    assert_eq!((&told["container"], &told["content_type"]), (&"mp4".into(), &"video/mp4".into()));
    assert_eq!((&told["audio"]["codec"], &told["audio"]["sample_rate"]), (&"aac".into(), &44100.into()));
    assert_eq!(told["file_size"], samples.video.len());
    let told = media(&samples.tone);
    assert_eq!((&told["media_type"], &told["channels"], &told["duration"]), (&"audio".into(), &1.into(), &1.0.into()));
    let output = api("/metadata", &json!({ "media_url": "URL", "extract_frames": true }), &[&samples.video]);
    let places: Vec<Place> = output.files.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [Place::Url("media.start_frame_url"), Place::Url("media.end_frame_url")]);
    assert_ne!(output.files[0].1.bytes, output.files[1].1.bytes);
}

#[test]
fn metadata_gives_a_file_that_came_inside_of_the_call_an_address() {
    let samples = samples();
    let output = api("/metadata", &json!({ "media_url": "data:video/mp4;base64,AAAA" }), &[&samples.video]);
    let (place, made) = &output.files[0];
    assert_eq!((*place, made.content_type, made.extension), (Place::Url("media.url"), "video/mp4", "mp4"));
    assert!(made.bytes == samples.video && output.fields["media"].get("url").is_none());
    assert_eq!(output.units, Some(0.0), "it was not made here");
}

#[test]
fn tracks_are_composed_in_time() {
    let samples = samples();
    let tracks = json!({ "tracks": [
        { "id": "1", "type": "video", "keyframes": [{ "url": "URL", "timestamp": 0, "duration": 1000 }] },
        { "id": "2", "type": "image", "keyframes": [{ "url": "URL", "timestamp": 1000, "duration": 500 }] },
        { "id": "3", "type": "audio", "keyframes": [
            { "url": "URL", "timestamp": 200, "duration": 300 }, { "url": "URL", "timestamp": 2000 },
        ] },
    ] });
    let files = [&samples.video, &samples.image, &samples.tone, &samples.noise];
    let output = api("/compose", &tracks, &files);
    assert_eq!((output.files[0].0, output.files[1].0), (Place::Url("video_url"), Place::Url("thumbnail_url")));
    is_video(&output.files[0].1, 160, 90, 2.5);
    assert_eq!(output.files[1].1.content_type, "image/jpeg");
    let told = media(&output.files[0].1.bytes);
    assert_eq!(told["audio"]["channels"], 2);
    // Where nothing is laid, it is black; where the image lies, red.
    let frames = json!({ "video_url": "URL", "frame_interval": 1, "output_format": "png" });
    let frames = utility("/extract-nth-frame", &frames, &[&output.files[0].1.bytes]);
    let middle = |number: usize| {
        let frame = middle_of(&frames.files[number].1.bytes);
        (frame[0] > 150, frame[1] > 100)
    };
    assert_eq!((middle(12), middle(20)), ((true, false), (false, false)));
}

/// What FFmpeg itself writes of a file.
fn decoded(file: &Bytes, words: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, file).unwrap();
    let run = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&path).args(words.split(' ')).arg("-").output();
    run.unwrap().stdout
}

/// The pixel in the middle of a picture.
fn middle_of(picture: &Bytes) -> Vec<u8> {
    decoded(picture, "-vf crop=1:1:iw/2:ih/2 -f rawvideo -pix_fmt rgb24 -frames:v 1")
}

#[test]
fn files_are_merged() {
    let samples = samples();
    let both = json!({ "video_urls": ["URL", "URL"] });
    let output = api("/merge-videos", &both, &[&samples.silent, &samples.video]);
    is_video(only(&output), 64, 64, 3.0);
    near(number(&only(&output).facts, "fps"), 10.0, 0.01);
    assert_eq!(output.fields["metadata"]["original_videos"][1]["width"], 160);
    assert!(media(&only(&output).bytes)["audio"].is_object(), "one of them has sound");
    let sized = json!({ "video_urls": ["URL", "URL"], "resolution": "square", "target_fps": 5 });
    is_video(only(&api("/merge-videos", &sized, &[&samples.silent, &samples.silent])), 512, 512, 2.0);

    let output = api("/merge-audios", &json!({ "audio_urls": ["URL", "URL"] }), &[&samples.tone, &samples.noise]);
    assert_eq!(only(&output).content_type, "audio/mpeg");
    near(number(&only(&output).facts, "duration"), 1.5, 0.1);
    for (format, kind, codec) in [
        ("pcm_16000", "audio/wav", "pcm_s16le"),
        ("ulaw_8000", "audio/wav", "pcm_mulaw"),
        ("opus_48000_64", "audio/ogg", "opus"),
    ] {
        let input = json!({ "audio_urls": ["URL", "URL"], "output_format": format });
        let output = api("/merge-audios", &input, &[&samples.tone, &samples.noise]);
        let told = media(&only(&output).bytes);
        assert_eq!((only(&output).content_type, &told["codec"]), (kind, &codec.into()), "{format}");
    }

    let input = json!({ "video_url": "URL", "audio_url": "URL", "start_offset": 0.5 });
    let output = api("/merge-audio-video", &input, &[&samples.silent, &samples.tone]);
    is_video(only(&output), 64, 64, 1.0);
    assert!(media(&only(&output).bytes)["audio"].is_object());
}

#[test]
fn images_become_a_video_and_a_video_gives_frames() {
    let samples = samples();
    let images = json!({ "images": [{ "url": "URL", "frames": 6 }, { "url": "URL", "frames": 4 }], "fps": 10 });
    let output = api("/images-to-video", &images, &[&samples.image, &samples.image]);
    is_video(only(&output), 32, 32, 1.0);
    assert_eq!(number(&only(&output).facts, "num_frames"), 10.0);
    let frame = |which: &str| {
        let output = api("/extract-frame", &json!({ "video_url": "URL", "frame_type": which }), &[&samples.video]);
        assert_eq!((output.files[0].0, only(&output).content_type), (Place::Item("images"), "image/png"));
        assert_eq!(number(&only(&output).facts, "width"), 160.0);
        only(&output).bytes.clone()
    };
    let (first, middle, last) = (frame("first"), frame("middle"), frame("last"));
    assert!(first != middle && middle != last && first != last);
    let input = json!({ "video_url": "URL", "frame_interval": 5, "output_format": "jpg", "quality": 50 });
    let output = utility("/extract-nth-frame", &input, &[&samples.video]);
    assert_eq!((output.fields["frame_count"].as_u64(), output.files.len()), (Some(4), 4));
    assert_eq!(output.files[3].1.content_type, "image/jpeg");
}

/// A red photograph of 32 by 16 pixels whose camera was held upright, so that it is shown 16 by 32.
fn photograph() -> Bytes {
    let mut bytes = Vec::new();
    let red = image::RgbImage::from_pixel(32, 16, image::Rgb([255, 0, 0]));
    red.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Jpeg).unwrap();
    // One note of the camera, little end first: its orientation is the sixth.
    let notes = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(notes.len() + 2).unwrap().to_be_bytes();
    bytes.splice(2..2, [&[0xff, 0xe1][..], &length, notes].concat());
    bytes.into()
}

#[test]
fn a_photograph_stands_as_its_camera_was_held() {
    let images = json!({ "images": [{ "url": "URL", "frames": 4 }], "fps": 4 });
    is_video(only(&api("/images-to-video", &images, &[&photograph()])), 16, 32, 1.0);
}

#[test]
fn loudness_is_measured_and_met() {
    let samples = samples();
    let input = json!({ "audio_url": "URL", "integrated_loudness": -23, "print_summary": true });
    let output = api("/loudnorm", &input, &[&samples.tone]);
    let summary = &output.fields["summary"];
    near(summary["output_integrated"].as_f64().unwrap(), -23.0, 2.0);
    assert_eq!(only(&output).content_type, "audio/wav");
    assert_eq!(number(&only(&output).facts, "sample_rate"), 22050.0);
    let linear = json!({
        "audio_url": "URL", "linear": true, "measured_i": summary["input_integrated"], "measured_lra": summary["input_lra"],
        "measured_tp": summary["input_true_peak"], "measured_thresh": summary["input_threshold"],
        "integrated_loudness": -23, "print_summary": true
    });
    let output = api("/loudnorm", &linear, &[&samples.tone]);
    assert_eq!(output.fields["summary"]["normalization_type"], "linear");
    let missing = json!({ "audio_url": "URL", "linear": true });
    let (kind, place) = refusal(&tintype_tools::ffmpeg_api(), "/loudnorm", &missing, &[]);
    assert_eq!((kind.as_str(), place), ("missing", json!(["body", "measured_i"])));
}

#[test]
fn a_waveform_has_as_many_points_as_were_asked_for() {
    let samples = samples();
    let output =
        api("/waveform", &json!({ "media_url": "URL", "points_per_second": 8, "precision": 3 }), &[&samples.tone]);
    let points: Vec<f64> = output.fields["waveform"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert_eq!((points.len(), output.fields["points"].as_u64(), &output.fields["duration"]), (8, Some(8), &1.0.into()));
    assert!(points.iter().all(|point| (0.9..=1.0).contains(point)), "a tone is equally loud: {points:?}");
    let even = json!({ "media_url": "URL", "smoothing_window": 4 });
    assert_eq!(refusal(&tintype_tools::ffmpeg_api(), "/waveform", &even, &[]).0, "value_error");
}

#[test]
fn videos_are_trimmed_scaled_turned_and_sped_up() {
    let samples = samples();
    let video = &samples.video;
    let output = utility("/trim-video", &json!({ "video_url": "URL", "start_time": 0.5, "end_time": 1.2 }), &[video]);
    is_video(only(&output), 160, 90, 0.7);
    near(number(&output.fields, "original_duration"), 2.0, 0.05);
    near(number(&output.fields, "trimmed_duration"), 0.7, 0.05);
    assert_eq!(number(&only(&output).facts, "num_frames"), 7.0);
    // Cuts between two frames, and within the last.
    for (start, length, frames) in [(1.05, 0.5, 5.0), (0.33, 0.3, 3.0), (1.95, 0.05, 1.0)] {
        let input = json!({ "video_url": "URL", "start_time": start, "duration": length });
        let output = utility("/trim-video", &input, &[video]);
        assert_eq!(number(&only(&output).facts, "num_frames"), frames, "{start} {length}");
    }
    let scaled = json!({ "video_url": "URL", "width": 120, "height": 120, "mode": "pad" });
    let output = utility("/scale-video", &scaled, &[video]);
    is_video(only(&output), 120, 120, 2.0);
    assert_eq!((number(&output.fields, "original_width"), number(&output.fields, "scaled_height")), (160.0, 120.0));
    let hevc = json!({ "video_url": "URL", "height": 46, "codec": "libx265", "preset": "ultrafast" });
    let output = utility("/scale-video", &hevc, &[video]);
    assert_eq!(media(&only(&output).bytes)["codec"], "hevc");
    let turned = utility("/reverse-video", &json!({ "video_url": "URL" }), &[video]);
    is_video(only(&turned), 160, 90, 2.0);
    let fast = utility("/setpts-video", &json!({ "video_url": "URL", "speed_factor": 2 }), &[video]);
    is_video(only(&fast), 160, 90, 1.0);
    let slow = utility("/setpts-video", &json!({ "video_url": "URL", "speed_factor": 0.25 }), &[video]);
    is_video(only(&slow), 160, 90, 8.0);
    assert_eq!(media(&only(&slow).bytes)["audio"]["codec"], "aac");
}

#[test]
fn an_odd_side_becomes_even_and_that_is_said() {
    let samples = samples();
    let odd = json!({ "video_url": "URL", "width": 121, "height": 90 });
    let mut notes = Notes::default();
    let utilities = tintype_tools::workflow_utilities();
    let output = call_with(&utilities, "/scale-video", &odd, &[&samples.silent], &mut notes).unwrap();
    is_video(only(&output), 120, 90, 1.0);
    assert_eq!(number(&output.fields, "scaled_width"), 120.0);
    assert_eq!(notes.0, ["the width is 120 instead of 121: the codecs need even sides"]);
}

/// How strong a tone of this many hertz is, from 0.2 s to 0.8 s.
fn tone_in(file: &Bytes, hertz: f64) -> f64 {
    let bytes = decoded(file, "-vn -ac 1 -ar 8000 -f f32le");
    let samples = bytes.chunks_exact(4).map(|sample| f32::from_le_bytes(sample.try_into().unwrap()));
    let part: Vec<f64> = samples.skip(1600).take(4800).map(f64::from).collect();
    assert_eq!(part.len(), 4800, "less than 0.8 s are heard");
    let angle = |at: usize| std::f64::consts::TAU * hertz * at as f64 / 8000.0;
    let sum = |wave: fn(f64) -> f64| part.iter().enumerate().map(|(at, sample)| sample * wave(angle(at))).sum::<f64>();
    sum(f64::sin).hypot(sum(f64::cos)) * 2.0 / part.len() as f64
}

#[test]
fn the_sounds_of_all_interleaved_videos_are_heard_at_once() {
    let samples = samples();
    let high = json!({ "video_url": "URL", "audio_url": "URL" });
    let high = only(&api("/merge-audio-video", &high, &[&samples.silent, &samples.tone])).bytes.clone();
    let both = json!({ "video_urls": ["URL", "URL"] });
    for files in [[&samples.video, &high], [&high, &samples.video]] {
        let output = utility("/interleave-video", &both, &files);
        let [low, high, neither] = [440.0, 880.0, 660.0].map(|hertz| tone_in(&only(&output).bytes, hertz));
        assert!(low > 0.03 && high > 0.03 && neither < 0.01, "{low} {high} {neither}");
    }
}

#[test]
fn interleaved_videos_are_heard_whichever_of_them_has_sound() {
    let samples = samples();
    let (video, silent) = (&samples.video, &samples.silent);
    let both = json!({ "video_urls": ["URL", "URL"] });
    for (files, sounds) in
        [([silent, video], true), ([video, silent], true), ([video, video], true), ([silent, silent], false)]
    {
        let output = utility("/interleave-video", &both, &files);
        let told = media(&only(&output).bytes);
        assert_eq!(told["audio"].is_object(), sounds);
        near(told["duration"].as_f64().unwrap(), if sounds { 2.0 } else { 1.0 }, 0.1);
    }
}

#[test]
fn videos_are_laid_over_one_another() {
    let samples = samples();
    let (video, silent) = (&samples.video, &samples.silent);
    for mode in ["overlay", "multiply", "normal"] {
        let input = json!({ "top_video_url": "URL", "bottom_video_url": "URL", "blend_mode": mode, "opacity": 0.5 });
        is_video(only(&utility("/blend-video", &input, &[silent, video])), 160, 90, 1.0);
    }
    for (mode, audio) in [("normal", "both"), ("screen", "main"), ("multiply", "overlay")] {
        let input = json!({
            "main_video_url": "URL", "overlay_video_url": "URL", "blend_mode": mode, "audio_source": audio,
            "enable_chroma_key": true, "opacity": 0.8, "shortest": false
        });
        is_video(only(&utility("/overlay-video", &input, &[video, silent])), 160, 90, 2.0);
    }
    let output = utility("/interleave-video", &json!({ "video_urls": ["URL", "URL"] }), &[video, video]);
    is_video(only(&output), 160, 90, 2.0);
    assert_eq!(number(&only(&output).facts, "num_frames"), 40.0);
}

#[test]
fn words_are_drawn_into_a_video() {
    let samples = samples();
    let input = json!({
        "video_url": "URL", "font_size": 20, "position": "center", "background_color": "black", "background_opacity": 0.5,
        "subtitles": [{ "start": 0, "end": 1, "text": "One {\\b0}\nTwo" }, { "start": 1, "end": 2, "text": "Three" }]
    });
    let output = utility("/add-subtitles-to-video", &input, &[&samples.video]);
    is_video(only(&output), 160, 90, 2.0);
    let late = json!({ "video_url": "URL", "subtitles": [{ "start": 2, "end": 1, "text": "x" }] });
    let strange = json!({ "video_url": "URL", "subtitles": [
        { "start": 0, "end": 1, "text": "a" }, { "start": 1, "end": 2, "text": "b\u{10FFFD}" }] });
    let found = refusal(&tintype_tools::workflow_utilities(), "/add-subtitles-to-video", &strange, &[&samples.video]);
    assert_eq!(found, ("value_error".to_owned(), json!(["body", "subtitles", 1, "text"])));
    let found = refusal(&tintype_tools::workflow_utilities(), "/add-subtitles-to-video", &late, &[]);
    assert_eq!(found, ("greater_than".to_owned(), json!(["body", "subtitles", 0, "end"])));
}

/// Bright pixels of each frame.
fn bright(video: &Bytes) -> Vec<usize> {
    let frames = decoded(video, "-vf scale=160:90,format=gray -f rawvideo");
    frames.chunks(160 * 90).map(|frame| frame.iter().filter(|level| **level > 128).count()).collect()
}

#[test]
fn subtitles_that_overlap_in_time_stand_above_each_other() {
    let black = json!({ "images": [{ "url": "URL", "frames": 6 }], "fps": 2 });
    let picture = image::RgbImage::from_pixel(160, 90, image::Rgb([0, 0, 0]));
    let mut bytes = Vec::new();
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    let video = only(&api("/images-to-video", &black, &[&bytes.into()])).bytes.clone();
    for position in ["bottom", "top", "center"] {
        let input = json!({
            "video_url": "URL", "font_size": 16, "position": position, "stroke_width": 0,
            "subtitles": [{ "start": 0, "end": 2, "text": "Words" }, { "start": 1, "end": 3, "text": "Words" }]
        });
        let frames = bright(&only(&utility("/add-subtitles-to-video", &input, &[&video])).bytes);
        let (one, two, last) = (frames[0] as f64, frames[2] as f64, frames[4] as f64);
        assert!(one > 50.0, "{position}: {frames:?}");
        near(two / one, 2.0, 0.2);
        near(last / one, 1.0, 0.1);
    }
    let crowd = json!({ "video_url": "URL", "subtitles": vec![json!({ "start": 0, "end": 1, "text": "x" }); 9] });
    let found = refusal(&tintype_tools::workflow_utilities(), "/add-subtitles-to-video", &crowd, &[]);
    assert_eq!(found, ("value_error".to_owned(), json!(["body", "subtitles", 8, "start"])));
}

#[test]
fn subtitles_that_would_be_written_again_without_end_are_refused() {
    let throughout = vec![json!({ "start": 0, "end": 1000, "text": "x".repeat(1000) }); 7];
    let short =
        (0..1993).map(|at| json!({ "start": f64::from(at) / 2.0, "end": f64::from(at + 1) / 2.0, "text": "x" }));
    let subtitles: Vec<Value> = throughout.into_iter().chain(short).collect();
    let input = json!({ "video_url": "URL", "subtitles": subtitles });
    let found = refusal(&tintype_tools::workflow_utilities(), "/add-subtitles-to-video", &input, &[]);
    assert_eq!(found, ("value_error".to_owned(), json!(["body", "subtitles"])));
    let input = json!({ "video_url": "URL", "subtitles": subtitles[7..] });
    assert!(tintype_tools::workflow_utilities().plan("/add-subtitles-to-video", input.as_object().unwrap()).is_ok());
}

/// A GIF of 16 by 16 pixels, of pictures of one colour and of so many hundredths of a second.
fn gif(pictures: &[([u8; 3], u32)]) -> Bytes {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for ([red, green, blue], hundredths) in pictures {
        let picture = image::RgbaImage::from_pixel(16, 16, image::Rgba([*red, *green, *blue, 255]));
        let delay = image::Delay::from_numer_denom_ms(hundredths * 10, 1);
        encoder.encode_frame(image::Frame::from_parts(picture, 0, 0, delay)).unwrap();
    }
    drop(encoder);
    bytes.into()
}

/// The colour in the middle of each frame, as which of its parts are there.
fn colours(video: &Bytes) -> Vec<[bool; 3]> {
    let frames = decoded(video, "-vf scale=1:1,format=rgb24 -f rawvideo");
    frames.chunks(3).map(|colour| [0, 1, 2].map(|part| colour[part] > 128)).collect()
}

#[test]
fn every_frame_of_a_gif_is_in_its_video_for_as_long_as_the_gif_says() {
    let pictures =
        [([255, 0, 0], 10), ([0, 255, 0], 50), ([0, 0, 255], 30), ([255, 255, 0], 20), ([255, 255, 255], 10)];
    let expected: Vec<[bool; 3]> =
        pictures.iter().flat_map(|(colour, length)| vec![colour.map(|part| part > 0); *length as usize / 10]).collect();
    for format in ["webm", "mp4"] {
        for clear in [true, false] {
            let input = json!({ "gif_url": "URL", "output_format": format, "preserve_transparency": clear });
            let output = utility("/gif-to-video", &input, &[&gif(&pictures)]);
            let made = only(&output);
            assert_eq!(colours(&made.bytes), expected, "{format}");
            assert_eq!((number(&made.facts, "fps"), number(&made.facts, "num_frames")), (10.0, 12.0));
            near(number(&made.facts, "duration"), 1.2, 1e-6);
        }
    }
    let short = utility("/gif-to-video", &json!({ "gif_url": "URL" }), &[&gif(&[([255, 0, 0], 3), ([0, 0, 255], 4)])]);
    assert_eq!((number(&only(&short).facts, "fps"), colours(&only(&short).bytes).len()), (100.0, 7));
}

#[test]
fn gifs_come_and_go() {
    let samples = samples();
    let output =
        utility("/video-to-gif", &json!({ "video_url": "URL", "width": 80, "duration": 1 }), &[&samples.video]);
    assert_eq!((output.files[0].0, only(&output).content_type), (Place::Member("image"), "image/gif"));
    let gif = only(&output).bytes.clone();
    assert!(gif.starts_with(b"GIF89a"));
    for (format, kind) in [("webm", "video/webm"), ("mp4", "video/mp4")] {
        let made = utility("/gif-to-video", &json!({ "gif_url": "URL", "output_format": format }), &[&gif]);
        assert_eq!(only(&made).content_type, kind);
        near(number(&only(&made).facts, "duration"), 1.0, 0.15);
    }
}

#[test]
fn sound_is_extracted_cut_joined_and_mixed() {
    let samples = samples();
    let seconds = |output: &Output| number(&only(output).facts, "duration");
    for (format, kind) in [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("aac", "audio/aac"), ("flac", "audio/flac")] {
        let output =
            utility("/extract-audio", &json!({ "video_url": "URL", "audio_format": format }), &[&samples.video]);
        assert_eq!(only(&output).content_type, kind);
        near(seconds(&output), 2.0, 0.15);
    }
    let parts = utility("/split-audio", &json!({ "audio_url": "URL", "split_points": [0.25, 0.75] }), &[&samples.tone]);
    let lengths: Vec<f64> = parts.files.iter().map(|(_, made)| number(&made.facts, "duration")).collect();
    assert_eq!(lengths, [0.25, 0.5, 0.25]);
    let joined = json!({ "audio_urls": ["URL", "URL"], "gaps": [1.0] });
    near(seconds(&utility("/merge-audio", &joined, &[&samples.tone, &samples.noise])), 2.5, 0.1);
    let mixed = json!({ "audio_urls": ["URL", "URL"], "duration": "shortest", "weights": [1, 0.5] });
    near(seconds(&utility("/amix-audio", &mixed, &[&samples.tone, &samples.noise])), 0.5, 0.1);
    near(seconds(&utility("/audio-compressor", &json!({ "audio_url": "URL" }), &[&samples.tone])), 1.0, 0.1);
    let room = json!({ "audio_url": "URL", "impulse_response_url": "URL" });
    near(seconds(&utility("/impulse-response", &room, &[&samples.tone, &samples.noise])), 1.5, 0.2);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_field() {
    let samples = samples();
    let (api, utilities) = (tintype_tools::ffmpeg_api(), tintype_tools::workflow_utilities());
    let text = Bytes::from_static(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n");
    let list = Bytes::from_static(b"ffconcat version 1.0\nfile /etc/passwd\n");
    let cut = samples.video.slice(..samples.video.len() / 3);
    let empty = Bytes::new();
    let video = json!({ "video_url": "URL" });
    for file in [&text, &list, &cut, &empty, &samples.tone, &samples.image] {
        let found = refusal(&utilities, "/reverse-video", &video, &[file]);
        assert_eq!(found, ("unsupported_video_format".to_owned(), json!(["body", "video_url"])));
    }
    let found = refusal(&utilities, "/extract-audio", &video, &[&samples.silent]);
    assert_eq!(found.0, "unsupported_audio_format");
    let found =
        refusal(&api, "/merge-audios", &json!({ "audio_urls": ["URL", "URL"] }), &[&samples.tone, &samples.image]);
    assert_eq!(found, ("unsupported_audio_format".to_owned(), json!(["body", "audio_urls", 1])));
    let beyond = json!({ "video_url": "URL", "start_time": 5 });
    assert_eq!(refusal(&utilities, "/trim-video", &beyond, &[&samples.video]).0, "video_duration_too_short");
    for (path, input, kind) in [
        ("/merge-videos", json!({ "video_urls": ["URL"] }), "sequence_too_short"),
        ("/merge-videos", json!({}), "missing"),
        ("/merge-videos", json!({ "video_urls": "URL" }), "list_type"),
        ("/compose", json!({ "tracks": [{ "id": "1", "type": "x", "keyframes": [{ "url": "URL" }] }] }), "one_of"),
        ("/compose", json!({ "tracks": [{ "type": "audio", "keyframes": [{ "url": "URL" }] }] }), "sequence_too_short"),
        ("/extract-frame", json!({ "video_url": 5 }), "string_type"),
        ("/images-to-video", json!({ "images": ["URL"] }), "dict_type"),
    ] {
        assert_eq!(refusal(&api, path, &input, &[]).0, kind, "{path} {input}");
    }
}

#[test]
fn a_call_that_nobody_waits_for_is_ended() {
    let samples = samples();
    let input = json!({ "video_url": "URL" });
    let ended = call_with(&tintype_tools::workflow_utilities(), "/reverse-video", &input, &[&samples.video], &mut Gone);
    assert!(matches!(ended, Err(RunError::Cancelled(_))));
}
