//! One video in, one video out.

use serde_json::{Map, json};
use tintype_engine::Detail;

use super::super::{
    call::Work,
    failure,
    input::{Input, Kind},
    job::Job,
    made::round,
    probe::even,
    sound, vision,
};

pub(super) const EVEN: &str = "scale=trunc(iw/2)*2:trunc(ih/2)*2";

pub(in super::super) fn scale(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let width = input.whole("width", 2, 4096).map(|side| side as u32);
    let height = input.whole("height", 2, 4096).map(|side| side as u32);
    if !input.has("width") && !input.has("height") {
        input.reject(Detail::new("width", "missing", "Field required: give the width, the height or both"));
    }
    let mode = input.choice("mode", &["stretch", "pad", "crop"], "stretch");
    let color = input.choice("pad_color", &["black", "white", "red", "green", "blue", "gray"], "black");
    let codec = input.choice("codec", &["libx264", "libx265"], "libx264");
    let crf = input.whole("crf", 0, 51).unwrap_or(18).to_string();
    let preset = input.choice("preset", &["ultrafast", "fast", "medium", "slow"], "fast");
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let original = media.video.as_ref().map_or((2, 2), |video| (video.width, video.height));
        for (name, side) in [("width", width), ("height", height)] {
            if let Some(side) = side.filter(|side| side % 2 == 1) {
                desk.note(&format!("the {name} is {} instead of {side}: the codecs need even sides", even(side)));
            }
        }
        let (width, height) = target(original, width.map(even), height.map(even));
        let how = match mode {
            "pad" => vision::fit((width, height), color),
            "crop" => format!(
                "{},scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},setsar=1",
                vision::SQUARE
            ),
            _ => format!("scale={width}:{height},setsar=1"),
        };
        let graph = format!("{}{how}[seen]", vision::of(0, &media));
        let mut job = Job::new().lasting(media.duration).input(file).graph(graph).map("[seen]");
        if let Some(audio) = &media.audio {
            job = job.map(format!("0:{}", audio.index));
        }
        job = job.words(["-c:v", codec, "-preset", preset, "-crf", &crf, "-pix_fmt", "yuv420p"]);
        if codec == "libx265" {
            job = job.words(["-tag:v", "hvc1", "-x265-params", "log-level=error"]);
        }
        desk.run(&job.words(["-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"]).to("out.mp4"))?;
        let mut output = desk.video_answer("out.mp4")?;
        let sides = [
            ("original_width", original.0),
            ("original_height", original.1),
            ("scaled_width", width),
            ("scaled_height", height),
        ];
        output.fields = sides.into_iter().map(|(name, side)| (name.to_owned(), side.into())).collect();
        Ok(output)
    })
}

/// A side that was not given follows the other.
fn target((width, height): (u32, u32), wide: Option<u32>, high: Option<u32>) -> (u32, u32) {
    let follow = |side: u32, of: u32, to: u32| even((f64::from(side) * f64::from(to) / f64::from(of)).round() as u32);
    match (wide, high) {
        (Some(wide), Some(high)) => (wide, high),
        (Some(wide), None) => (wide, follow(height, width, wide)),
        (None, Some(high)) => (follow(width, height, high), high),
        (None, None) => (even(width), even(height)),
    }
}

pub(in super::super) fn set_speed(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let factor = input.number("speed_factor", 0.25, 4.0).unwrap_or(4.0);
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let fps = vision::rate(media.video.as_ref().map_or(25.0, |video| video.fps));
        let (seen, heard) = (vision::of(0, &media), sound::of(0, &media));
        let mut graph = format!("{seen}{},{EVEN},setpts=(PTS-STARTPTS)/{factor},fps={fps}[seen]", vision::SQUARE);
        let mut job = Job::new().lasting(media.duration / factor).input(file);
        let sounds = media.audio.is_some();
        if sounds {
            // One filter does half the speed at most; the pitch stays.
            let half = if factor < 0.5 { "atempo=0.5," } else { "" };
            let rest = if factor < 0.5 { factor * 2.0 } else { factor };
            graph.extend([format!(";{heard}asetpts=PTS-STARTPTS,{half}atempo={rest}[heard]")]);
        }
        job = job.graph(graph).map("[seen]");
        if sounds {
            job = job.map("[heard]");
        }
        desk.run(&job.into_mp4("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}

pub(in super::super) fn trim(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let start = input.number("start_time", 0.0, 1800.0).unwrap_or(1.0);
    let length = input.number("duration", 0.01, 1800.0).unwrap_or(2.0);
    let end = input.number("end_time", 0.0, 1800.0);
    if let Some(end) = end.filter(|end| *end <= start) {
        let message = format!("Input should be greater than the start time, {start}");
        input.reject(Detail::new("end_time", "greater_than", message).with("gt", start).found(&json!(end)));
    }
    Box::new(move |desk| {
        let media = desk.look(file)?;
        if start >= media.duration {
            return Err(failure::refuse(failure::too_short(desk.asked(file), media.duration, start)));
        }
        let length = end.map_or(length, |end| end - start).min(media.duration - start);
        let fps = media.video.as_ref().map_or(25.0, |video| video.fps);
        // Decoding from the key frame before makes the cut exact.
        let cut = ["-ss".to_owned(), format!("{:.6}", shown_from(start, fps)), "-t".to_owned(), format!("{length:.6}")];
        let graph = format!("{}setpts=PTS-STARTPTS,{},{EVEN}[seen]", vision::of(0, &media), vision::SQUARE);
        let mut job = Job::new().lasting(length).input_as(&cut, file).graph(graph).map("[seen]");
        if let Some(audio) = &media.audio {
            job = job.map(format!("0:{}", audio.index));
        }
        desk.run(&job.into_mp4("out.mp4"))?;
        let mut output = desk.video_answer("out.mp4")?;
        let trimmed = output.files[0].1.facts.get("duration").cloned().unwrap_or_default();
        output.fields = Map::from_iter([
            ("original_duration".to_owned(), json!(round(media.duration))),
            ("trimmed_duration".to_owned(), trimmed),
        ]);
        Ok(output)
    })
}

/// When the frame begins that is seen at a time, and a hair before: a cut between two frames would else be a frame longer,
/// with a gap ahead.
fn shown_from(start: f64, fps: f64) -> f64 {
    const HAIR: f64 = 0.0005;
    ((start * fps + 1e-6).floor() / fps - HAIR).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_begins_with_the_frame_that_is_seen() {
        for (start, fps, begins) in [(1.05, 10.0, 0.9995), (1.0, 10.0, 0.9995), (0.04, 10.0, 0.0), (3.99, 25.0, 3.9595)]
        {
            let found = shown_from(start, fps);
            assert!((found - begins).abs() < 1e-9, "{start} at {fps}: {found}");
        }
    }

    #[test]
    fn a_side_that_is_not_given_follows_the_other() {
        assert_eq!(target((1920, 1080), Some(640), None), (640, 360));
        assert_eq!(target((1920, 1080), None, Some(100)), (178, 100));
        assert_eq!(target((101, 51), None, None), (100, 50));
    }
}
