//! One video in, one video out; or some of its frames.

use serde_json::{Map, json};
use tintype_engine::{Detail, Output, Place, RunError};

use super::super::{
    call::Work,
    desk::Desk,
    failure,
    input::{File, Input, Kind},
    job::Job,
    made::{Still, round},
    probe::{Media, Video, even},
    sound, vision,
};

/// What a turned piece may take in memory.
const REVERSED_BYTES: f64 = (1u64 << 30) as f64;

pub(in super::super) fn reverse(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    Box::new(move |desk| {
        let media = desk.look(file)?;
        reverse_within(desk, file, &media, REVERSED_BYTES)?;
        desk.video_answer("out.mp4")
    })
}

fn reverse_within(desk: &mut Desk<'_>, file: File, media: &Media, bytes: f64) -> Result<(), RunError> {
    let (width, height) = media.video.as_ref().map_or((2, 2), Video::even);
    let fps = media.video.as_ref().map_or(25.0, |video| video.fps);
    let frames = (bytes / (f64::from(width) * f64::from(height) * 1.5)).floor().max(1.0);
    if media.duration * fps <= frames {
        reverse_whole(desk, file, media)
    } else {
        reverse_pieces(desk, file, media, frames / fps)
    }
}

fn reverse_whole(desk: &mut Desk<'_>, file: File, media: &Media) -> Result<(), RunError> {
    let seen = format!("{}{},{EVEN},reverse[seen]", vision::of(0, media), vision::SQUARE);
    let heard = media.audio.as_ref().map(|_| format!(";{}areverse[heard]", sound::of(0, media)));
    let mut job = Job::new().lasting(media.duration).input(file);
    job = job.graph(seen + heard.as_deref().unwrap_or_default()).map("[seen]");
    if heard.is_some() {
        job = job.map("[heard]");
    }
    desk.run(&job.into_mp4("out.mp4"))
}

/// All frames of a long video do not fit into memory: it is turned piece by piece, and the pieces follow one another
/// from the last to the first. The pictures are written without loss in between.
fn reverse_pieces(desk: &mut Desk<'_>, file: File, media: &Media, seconds: f64) -> Result<(), RunError> {
    let lossless = ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p"];
    let fps = vision::rate(media.video.as_ref().map_or(25.0, |video| video.fps));
    let cut = format!("{}{},{EVEN},fps={fps}[seen]", vision::of(0, media), vision::SQUARE);
    let every = format!("{seconds:.6}");
    let keys = format!("expr:gte(t,n_forced*{seconds:.6})");
    let job = Job::new().lasting(media.duration).input(file).graph(cut).map("[seen]").words(lossless);
    let job = job.words(["-force_key_frames", &keys, "-f", "segment", "-segment_time", &every]);
    desk.run(&job.words(["-reset_timestamps", "1"]).to("piece%04d.mkv"))?;
    let mut list = String::new();
    for number in 0.. {
        let piece = format!("piece{number:04}.mkv");
        if !desk.has(&piece) {
            break;
        }
        let turned = format!("turned{number:04}.mkv");
        desk.run(&Job::new().own(&piece).words(["-vf", "reverse"]).words(lossless).to(&turned))?;
        desk.drop(&piece)?;
        list.insert_str(0, &format!("file {turned}\n"));
    }
    desk.write("pieces.txt", format!("ffconcat version 1.0\n{list}"))?;
    let mut job = Job::new().lasting(media.duration).words(["-f", "concat"]).own("pieces.txt");
    if media.audio.is_some() {
        job = job.input(file).graph(format!("{}areverse[heard]", sound::of(1, media))).map("0:v").map("[heard]");
    }
    desk.run(&job.into_mp4("out.mp4"))
}

const EVEN: &str = "scale=trunc(iw/2)*2:trunc(ih/2)*2";

pub(in super::super) fn scale(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let width = input.whole("width", 2, 4096).map(|side| even(side as u32));
    let height = input.whole("height", 2, 4096).map(|side| even(side as u32));
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
        let (width, height) = target(original, width, height);
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
        // Decoding from the key frame before makes the cut exact.
        let cut = ["-ss".to_owned(), format!("{start:.6}"), "-t".to_owned(), format!("{length:.6}")];
        let graph = format!("{}{},{EVEN}[seen]", vision::of(0, &media), vision::SQUARE);
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

/// All frames of an answer together, before they are packed.
const FRAMES_BYTES: u64 = 2 << 30;

pub(in super::super) fn extract_nth_frame(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let interval = input.whole("frame_interval", 1, 100_000).unwrap_or(12);
    let most = input.whole("max_frames", 1, 1000).unwrap_or(100);
    let quality = input.whole("quality", 1, 100).unwrap_or(95);
    let still = match input.choice("output_format", &["png", "jpg", "jpeg", "webp"], "png") {
        "jpg" | "jpeg" => Still::Jpeg,
        "webp" => Still::Webp,
        _ => Still::Png,
    };
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let size = media.video.as_ref().map_or((2, 2), |video| (video.width, video.height));
        let room = (FRAMES_BYTES / (u64::from(size.0) * u64::from(size.1) * 3)).max(1);
        if media.frames().div_ceil(interval).min(most) > room {
            let message =
                format!("Frames of {} by {} pixels are too large for so many: at most {room}", size.0, size.1);
            let detail = Detail::new("max_frames", "less_than_equal", message).with("le", room).found(&json!(most));
            return Err(failure::refuse(detail));
        }
        let most = most.min(room).to_string();
        let graph = format!("{}select='not(mod(n,{interval}))',{}[seen]", vision::of(0, &media), vision::SQUARE);
        let job = Job::new().input(file).graph(graph).map("[seen]").words(["-vsync", "vfr", "-frames:v", &most]);
        let job = match still {
            // FFmpeg counts from 2, the best, to 31.
            Still::Jpeg => job.words(["-q:v".to_owned(), (2 + (100 - quality) * 29 / 99).to_string()]),
            Still::Webp => job.words(["-c:v", "libwebp", "-quality"]).words([quality.to_string()]),
            _ => job,
        };
        desk.run(&job.to(&format!("frame%05d.{}", still.extension())))?;
        let frames = desk.numbered(|number| format!("frame{number:05}.{}", still.extension()))?;
        let fields = Map::from_iter([("frame_count".to_owned(), json!(frames.len()))]);
        let files = frames.into_iter().map(|frame| (Place::Item("images"), still.made(frame, size))).collect();
        Ok(Output { files, fields, units: None })
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tintype_engine::{Cancelled, Step, Watch};

    use super::{
        super::super::{desk::Programs, input::Asked},
        *,
    };

    struct Looker;

    impl Watch for Looker {
        fn note(&mut self, _: &str) {}

        fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
            Ok(())
        }
    }

    #[test]
    fn a_video_turned_in_pieces_is_the_one_turned_as_a_whole() {
        let Some(programs) = Programs::find() else { return };
        let asked = Asked { field: "video_url".to_owned(), url: "URL".to_owned(), kind: Kind::Video };
        let mut looker = Looker;
        let mut desk = Desk::lay(vec![asked], vec![Bytes::new()], programs, &mut looker).unwrap();
        let picture = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2.3"];
        let tone = ["-f", "lavfi", "-i", "sine=duration=2.3"];
        desk.run(&Job::new().words(picture).words(tone).into_mp4("in0.mp4")).unwrap();
        desk.write("in0", desk.read("in0.mp4").unwrap()).unwrap();
        let media = desk.look(File(0)).unwrap();
        let mut turned = |bytes: f64| {
            reverse_within(&mut desk, File(0), &media, bytes).unwrap();
            let middle = ["-vf", "scale=1:1,format=rgb24", "-f", "rawvideo"];
            desk.run(&Job::new().own("out.mp4").map("0:v").words(middle).to("colours.raw")).unwrap();
            let told = desk.probe("out.mp4").unwrap();
            (desk.read("colours.raw").unwrap(), told.frames(), told.audio.is_some())
        };
        let (whole, pieces) = (turned(1e9), turned(64.0 * 48.0 * 1.5 * 7.0));
        assert_eq!((whole.1, whole.2), (23, true));
        assert_eq!((pieces.1, pieces.2), (23, true));
        let far = whole.0.iter().zip(&pieces.0).filter(|(one, other)| one.abs_diff(**other) > 12).count();
        assert!(whole.0.len() == pieces.0.len() && far == 0, "{far} colours differ");
    }

    #[test]
    fn a_side_that_is_not_given_follows_the_other() {
        assert_eq!(target((1920, 1080), Some(640), None), (640, 360));
        assert_eq!(target((1920, 1080), None, Some(100)), (178, 100));
        assert_eq!(target((101, 51), None, None), (100, 50));
    }
}
