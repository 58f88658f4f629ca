//! Two videos, or more, seen at once.

use tintype_engine::Detail;

use super::super::{
    call::Work,
    input::{Input, Kind},
    job::Job,
    probe::{Media, Video, even},
    sound, vision,
};

const MODES: [&str; 23] = [
    "overlay",
    "addition",
    "average",
    "burn",
    "darken",
    "difference",
    "divide",
    "dodge",
    "exclusion",
    "grainextract",
    "grainmerge",
    "hardlight",
    "lighten",
    "multiply",
    "negation",
    "normal",
    "phoenix",
    "pinlight",
    "reflect",
    "screen",
    "softlight",
    "subtract",
    "vividlight",
];

pub(in super::super) fn blend(input: &mut Input<'_>) -> Work {
    let top = input.file("top_video_url", Kind::Video);
    let bottom = input.file("bottom_video_url", Kind::Video);
    let mode = input.choice("blend_mode", &MODES, MODES[0]);
    let opacity = input.number("opacity", 0.0, 1.0).unwrap_or(1.0);
    let shortest = input.flag("shortest", true);
    Box::new(move |desk| {
        let (above, below) = (desk.look(top)?, desk.look(bottom)?);
        let (size, rate) = frame(&below);
        let graph = format!(
            "{}{fit},fps={rate},format=gbrp,setpts=PTS-STARTPTS[top];\
             {}{fit},fps={rate},format=gbrp,setpts=PTS-STARTPTS[bottom];{}",
            vision::of(0, &above),
            vision::of(1, &below),
            blended(mode, opacity, shortest),
            fit = vision::fit(size, "black"),
        );
        let length = length(&below, &above, shortest);
        let job = Job::new().lasting(length).input(top).input(bottom).graph(graph).map("[seen]");
        // What lies below is heard; if it is silent, what lies above.
        let voice = below.audio.as_ref().map(|audio| (1, audio)).or(above.audio.as_ref().map(|audio| (0, audio)));
        let job = match voice {
            Some((number, audio)) => {
                job.map(format!("{number}:{}", audio.index)).words(["-t".to_owned(), format!("{length:.6}")])
            }
            None => job,
        };
        desk.run(&job.into_mp4("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}

/// `[top]` and `[bottom]` become `[seen]`. FFmpeg's own opacity leaves the top where it is clear, so what was blended is
/// laid over the bottom in a step of its own.
fn blended(mode: &str, opacity: f64, shortest: bool) -> String {
    let shortest = u8::from(shortest);
    if opacity >= 1.0 {
        return format!("[top][bottom]blend=all_mode={mode}:shortest={shortest}[seen]");
    }
    format!(
        "[bottom]split[below][under];[top][below]blend=all_mode={mode}:shortest={shortest}[mixed];\
         [mixed][under]blend=all_mode=normal:all_opacity={opacity}:shortest={shortest}[seen]"
    )
}

fn frame(media: &Media) -> ((u32, u32), String) {
    let video = media.video.as_ref();
    (video.map_or((2, 2), Video::even), vision::rate(video.map_or(25.0, |video| video.fps.min(60.0))))
}

fn length(one: &Media, other: &Media, shortest: bool) -> f64 {
    if shortest { one.duration.min(other.duration) } else { one.duration.max(other.duration) }
}

pub(in super::super) fn interleave(input: &mut Input<'_>) -> Work {
    let files = input.files("video_urls", Kind::Video, 2, 10);
    Box::new(move |desk| {
        let (mut parts, mut order, mut job, mut total) = (Vec::new(), String::new(), Job::new(), 0.0);
        let mut media = Vec::new();
        for file in &files {
            media.push(desk.look(*file)?);
        }
        let count = media.len() as f64;
        let size = frame(&media[0]).0;
        // Each keeps its pace: the frames of all of them share the time that the frames of one had.
        let slowest = media.iter().filter_map(|media| media.video.as_ref()).map(|video| video.fps).fold(60.0, f64::min);
        let one = slowest.min(120.0 / count);
        let rate = vision::rate(one);
        for (number, media) in media.iter().enumerate() {
            let step = number as f64 / count;
            parts.push(format!(
                "{}{},fps={rate},format=yuv420p,settb=1/90000,setpts=(N+{step:.6})/({rate})/TB[seen{number}]",
                vision::of(number, media),
                vision::fit(size, "black")
            ));
            order.extend([format!("[seen{number}]")]);
            total = f64::max(total, media.duration);
            job = job.input(files[number]);
        }
        parts.push(format!("{order}interleave=nb_inputs={}[seen]", files.len()));
        let heard = all_heard(&media);
        parts.extend(heard.clone());
        // Where the shorter ones have ended, frames of the others last until their next: what is seen stays with what is heard.
        let all = vision::rate(one * count);
        let mut job = job.lasting(total).graph(parts.join(";")).map("[seen]").words(["-fps_mode", "cfr", "-r", &all]);
        if heard.is_some() {
            job = job.map("[heard]");
        }
        desk.run(&job.into_mp4("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}

/// The sounds of all that have one, at once, as `[heard]`; kept from being louder together than a file can hold.
fn all_heard(media: &[Media]) -> Option<String> {
    let voices: Vec<_> = media.iter().enumerate().filter(|(_, media)| media.audio.is_some()).collect();
    let [(first, one), others @ ..] = &voices[..] else { return None };
    if others.is_empty() {
        return Some(format!("{}{}[heard]", sound::of(*first, one), sound::ALIKE));
    }
    let voice =
        |(number, media): &(usize, &Media)| format!("{}{}[voice{number}];", sound::of(*number, media), sound::ALIKE);
    let labels: Vec<String> = voices.iter().map(|(number, _)| format!("[voice{number}]")).collect();
    let labels = labels.concat();
    let graph: Vec<String> = voices.iter().map(voice).collect();
    let (graph, count) = (graph.concat(), voices.len());
    Some(format!("{graph}{labels}amix=inputs={count}:duration=longest:normalize=0,alimiter=level=0[heard]"))
}

/// How an overlay lies.
struct Laid {
    mode: &'static str,
    opacity: f64,
    scale: f64,
    at: (f64, f64),
    key: Option<String>,
    shortest: bool,
}

pub(in super::super) fn overlay(input: &mut Input<'_>) -> Work {
    let main = input.file("main_video_url", Kind::Video);
    let above = input.file("overlay_video_url", Kind::Video);
    let laid = laid(input);
    let both = if input.flag("include_overlay_audio", false) { "both" } else { "main" };
    let source = input.choice("audio_source", &["main", "overlay", "both"], both);
    Box::new(move |desk| {
        let (ground, over) = (desk.look(main)?, desk.look(above)?);
        let length = if laid.shortest { ground.duration.min(over.duration) } else { ground.duration };
        let mut graph = seen(&laid, &ground, &over);
        let voices = match source {
            "overlay" => vec![(1, &over)],
            "both" => vec![(0, &ground), (1, &over)],
            _ => vec![(0, &ground)],
        };
        let voices: Vec<_> = voices.into_iter().filter(|(_, media)| media.audio.is_some()).collect();
        for (number, media) in &voices {
            graph.extend([format!(";{}{}[voice{number}]", sound::of(*number, media), sound::ALIKE)]);
        }
        let labels: Vec<String> = voices.iter().map(|(number, _)| format!("[voice{number}]")).collect();
        let labels = labels.concat();
        let heard = match voices.len() {
            0 => None,
            1 => Some(labels),
            _ => {
                graph.extend([format!(";{labels}amix=inputs=2:duration=longest:normalize=0[heard]")]);
                Some("[heard]".to_owned())
            }
        };
        let mut job = Job::new().lasting(length).input(main).input(above).graph(graph).map("[seen]");
        if let Some(heard) = heard {
            job = job.map(heard);
        }
        desk.run(&job.words(["-t".to_owned(), format!("{length:.6}")]).into_mp4("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}

fn laid(input: &mut Input<'_>) -> Laid {
    let mode = input.choice("blend_mode", &["normal", "screen", "multiply"], "normal");
    let opacity = input.number("opacity", 0.0, 1.0).unwrap_or(1.0);
    let scale = input.number("scale_percent", 10.0, 200.0).unwrap_or(35.0) / 100.0;
    let x = input.number("x_percent", 0.0, 100.0).unwrap_or(14.0) / 100.0;
    let y = input.number("y_percent", 0.0, 100.0).unwrap_or(13.0) / 100.0;
    let color = input.text("chroma_key_color", 9).unwrap_or_else(|| "00FF00".to_owned());
    let color = color.trim_start_matches('#').trim_start_matches("0x").to_owned();
    if color.len() != 6 || !color.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = "Input should be a colour of six hexadecimal digits, as 00FF00";
        input.reject(Detail::new("chroma_key_color", "value_error", message).found(&color.as_str().into()));
    }
    let similarity = input.number("chroma_key_similarity", 0.01, 1.0).unwrap_or(0.3);
    let softness = input.number("chroma_key_blend", 0.0, 1.0).unwrap_or(0.1);
    let keyed = input.flag("enable_chroma_key", false);
    let key = keyed.then(|| format!(",chromakey=0x{color}:{similarity}:{softness}"));
    Laid { mode, opacity, scale, at: (x, y), key, shortest: input.flag("shortest", true) }
}

fn seen(laid: &Laid, ground: &Media, over: &Media) -> String {
    let Laid { mode, opacity, scale, at: (x, y), key, shortest } = laid;
    let ((width, height), rate) = frame(ground);
    let size = |side: u32| even((f64::from(side) * scale).round() as u32);
    let (wide, high) = over.video.as_ref().map_or((2, 2), |video| (size(video.width), size(video.height)));
    let end = if *shortest { ":shortest=1" } else { "" };
    let key = key.as_deref().unwrap_or_default();
    let place = format!("overlay=x={width}*{x:.6}-w/2:y={height}*{y:.6}-h/2:format=rgb{end}");
    let main =
        format!("{}{},scale={width}:{height},fps={rate},setpts=PTS-STARTPTS", vision::of(0, ground), vision::SQUARE);
    let above = format!(
        "{}{},scale={wide}:{high},fps={rate},setpts=PTS-STARTPTS{key},format=rgba",
        vision::of(1, over),
        vision::SQUARE
    );
    if *mode == "normal" {
        return format!(
            "{main}[main];{above},colorchannelmixer=aa={opacity:.6}[above];[main][above]{place},format=yuv420p[seen]"
        );
    }
    // The neutral colour of the mode surrounds what is laid on.
    let neutral = if *mode == "screen" { "black" } else { "white" };
    let seconds = ground.duration.max(over.duration);
    format!(
        "{main},format=gbrp[bottom];color=c={neutral}:s={width}x{height}:r={rate}:d={seconds:.6}[plain];\
         {above}[above];[plain][above]{place},format=gbrp[top];{}",
        blended(mode, *opacity, *shortest)
    )
}
