//! Tracks of keyframes, laid over one another in time.
//!
//! The first picture decides the size, and later tracks lie over earlier ones. What is to be heard comes from audio
//! tracks alone: the sound of a video is heard where an audio track names the video as well.

use tintype_engine::{Detail, Output, Place, RunError};

use super::super::{
    call::Work,
    desk::Desk,
    failure,
    input::{File, Input, Kind},
    job::Job,
    made::Still,
    probe::Media,
    sound, vision,
};

const MAX_TRACKS: usize = 32;
const MAX_KEYFRAMES: usize = 100;
const MAX_SECS: f64 = 1800.0;
const STILLS_FPS: f64 = 25.0;

struct Keyframe {
    file: File,
    kind: Kind,
    /// Seconds.
    start: f64,
    /// As long as the file lasts, when absent.
    length: Option<f64>,
}

/// A keyframe whose file is known.
struct Cue {
    kind: Kind,
    media: Media,
    start: f64,
    length: f64,
}

pub(in super::super) fn compose(input: &mut Input<'_>) -> Work {
    let tracks = input.objects("tracks", (1, MAX_TRACKS), track);
    let keyframes: Vec<Keyframe> = tracks.into_iter().flatten().collect();
    if keyframes.len() > MAX_KEYFRAMES {
        let message = format!("There are {} keyframes, and at most {MAX_KEYFRAMES} are taken", keyframes.len());
        input.reject(Detail::new("tracks", "sequence_too_long", message).with("max_length", MAX_KEYFRAMES));
    }
    if !keyframes.is_empty() && keyframes.iter().all(|keyframe| keyframe.kind == Kind::Audio) {
        let message = "A video needs something to be seen: add a track of type 'video' or 'image'";
        input.reject(Detail::new("tracks", "sequence_too_short", message).with("min_length", 1));
    }
    Box::new(move |desk| work(desk, &keyframes))
}

fn track(track: &mut Input<'_>) -> Vec<Keyframe> {
    track.require("type");
    let kind = match track.choice("type", &["video", "image", "audio"], "video") {
        "image" => Kind::Image,
        "audio" => Kind::Audio,
        _ => Kind::Video,
    };
    track.objects("keyframes", (1, MAX_KEYFRAMES), |keyframe| {
        let millis = MAX_SECS * 1000.0;
        let file = keyframe.file("url", kind);
        if kind == Kind::Image {
            keyframe.require("duration");
        }
        let start = keyframe.number("timestamp", 0.0, millis).unwrap_or(0.0) / 1000.0;
        let length = keyframe.number("duration", 0.0, millis).filter(|length| *length > 0.0);
        Keyframe { file, kind, start, length: length.map(|length| length / 1000.0) }
    })
}

fn work(desk: &mut Desk<'_>, keyframes: &[Keyframe]) -> Result<Output, RunError> {
    let mut cues = Vec::with_capacity(keyframes.len());
    for keyframe in keyframes {
        let media = desk.look(keyframe.file)?;
        let length = match keyframe.length {
            Some(length) => length,
            None => media.duration,
        };
        cues.push(Cue { kind: keyframe.kind, media, start: keyframe.start, length: length.max(0.04) });
    }
    let total = cues.iter().map(|cue| cue.start + cue.length).fold(0.0, f64::max);
    if total > MAX_SECS {
        let detail = failure::too_long(desk.asked(keyframes[0].file), total, MAX_SECS);
        return Err(failure::refuse(detail));
    }
    let mut job = Job::new().lasting(total);
    for (keyframe, cue) in keyframes.iter().zip(&cues) {
        job = match cue.kind {
            Kind::Image => job.input(keyframe.file),
            _ => job.input_as(&["-t".to_owned(), format!("{:.6}", cue.length)], keyframe.file),
        };
    }
    let sounds = cues.iter().any(|cue| cue.kind == Kind::Audio);
    job = job.graph(graph(&cues, total)).map("[seen]");
    if sounds {
        job = job.map("[heard]");
    }
    desk.run(&job.into_mp4("out.mp4"))?;
    let video = desk.video("out.mp4")?;
    let at = format!("{:.3}", (total / 10.0).min(1.0));
    let thumbnail = Job::new().words(["-ss", &at]).own("out.mp4").words(["-frames:v", "1", "-q:v", "3"]);
    desk.run(&thumbnail.to("thumb.jpg"))?;
    let still = Still::Jpeg.made(desk.read("thumb.jpg")?, canvas(&cues).0);
    let files = vec![(Place::Url("video_url"), video), (Place::Url("thumbnail_url"), still)];
    Ok(Output { files, ..Output::default() })
}

/// Size and rate of the whole: those of the first that is seen, and of the first that moves.
fn canvas(cues: &[Cue]) -> ((u32, u32), f64) {
    let seen =
        || cues.iter().filter(|cue| cue.kind != Kind::Audio).filter_map(|cue| Some((cue, cue.media.video.as_ref()?)));
    let size = seen().next().map_or((2, 2), |(_, video)| video.even());
    let moving = seen().find(|(cue, _)| cue.kind == Kind::Video).map(|(_, video)| video.fps);
    (size, moving.unwrap_or(STILLS_FPS).clamp(1.0, 60.0))
}

fn graph(cues: &[Cue], total: f64) -> String {
    let ((width, height), fps) = canvas(cues);
    let rate = vision::rate(fps);
    let mut parts = vec![format!("color=c=black:s={width}x{height}:r={rate}:d={total:.6}[ground0]")];
    let (mut layers, mut voices) = (0, Vec::new());
    for (number, Cue { kind, media, start, length }) in cues.iter().enumerate() {
        if *kind == Kind::Audio {
            let millis = (start * 1000.0).round();
            parts.push(format!(
                "{}atrim=duration={length:.6},{},adelay={millis}:all=1[voice{number}]",
                sound::of(number, media),
                sound::ALIKE
            ));
            voices.push(format!("[voice{number}]"));
            continue;
        }
        // Of a picture, whether it moves or not, the first frame is held.
        let hold = if *kind == Kind::Image {
            let frames = (length * fps).ceil().max(1.0) - 1.0;
            format!("trim=end_frame=1,loop=loop={frames}:size=1:start=0,setpts=N/({rate})/TB,fps={rate}")
        } else {
            format!("fps={rate},trim=duration={length:.6}")
        };
        parts.push(format!(
            "{}{},scale={width}:{height}:force_original_aspect_ratio=decrease,{hold},\
             setpts=PTS-STARTPTS+{start:.6}/TB[layer{number}]",
            vision::of(number, media),
            vision::SQUARE
        ));
        let end = start + length;
        parts.push(format!(
            "[ground{layers}][layer{number}]overlay=(W-w)/2:(H-h)/2:eof_action=pass:enable='between(t,{start:.6},{end:.6})'[ground{}]",
            layers + 1
        ));
        layers += 1;
    }
    parts.push(format!("[ground{layers}]trim=duration={total:.6},format=yuv420p[seen]"));
    if !voices.is_empty() {
        let count = voices.len();
        let mix = if count == 1 { String::new() } else { format!("amix=inputs={count}:duration=longest:normalize=0,") };
        parts.push(format!("{}{mix}apad,atrim=duration={total:.6}[heard]", voices.concat()));
    }
    parts.join(";")
}
