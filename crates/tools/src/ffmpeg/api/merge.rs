//! Several files become one.

use serde_json::{Map, Value, json};
use tintype_engine::Output;

use super::super::{
    call::Work,
    input::{Input, Kind},
    job::Job,
    made::{answer, round},
    probe::{Media, Video},
    sound::{self, Coding},
    vision,
};

const MAX_FILES: usize = 50;

pub(in super::super) fn merge_videos(input: &mut Input<'_>) -> Work {
    let files = input.files("video_urls", Kind::Video, 2, MAX_FILES);
    let fps = input.number("target_fps", 1.0, 60.0);
    let size = input.size("resolution", 512, 2048);
    Box::new(move |desk| {
        let mut media = Vec::new();
        for file in &files {
            media.push(desk.look(*file)?);
        }
        let first = media[0].video.as_ref().map_or((2, 2), Video::even);
        let slowest = media.iter().filter_map(|media| media.video.as_ref()).map(|video| video.fps).fold(60.0, f64::min);
        let sounds = media.iter().any(|media| media.audio.is_some());
        let total = media.iter().map(|media| media.duration).sum();
        let graph =
            concatenation(&media, size.map_or(first, |(w, h)| (w & !1, h & !1)), fps.unwrap_or(slowest), sounds);
        let mut job = Job::new().lasting(total);
        for file in &files {
            job = job.input(*file);
        }
        job = job.graph(graph).map("[seen]");
        if sounds {
            job = job.map("[heard]");
        }
        desk.run(&job.into_mp4("out.mp4"))?;
        let mut output = desk.video_answer("out.mp4")?;
        let originals: Vec<Value> = media.iter().map(told).collect();
        let made = Value::Object(output.files[0].1.facts.clone());
        let metadata = json!({ "merged_video": made, "original_videos": originals });
        output.fields = Map::from_iter([("metadata".to_owned(), metadata)]);
        Ok(output)
    })
}

fn told(media: &Media) -> Value {
    let video = media.video.as_ref();
    json!({
        "duration": round(media.duration),
        "fps": video.map(|video| round(video.fps)),
        "width": video.map(|video| video.width),
        "height": video.map(|video| video.height),
        "has_audio": media.audio.is_some(),
    })
}

/// One after the other; where one has no sound and another has, there is silence.
fn concatenation(media: &[Media], size: (u32, u32), fps: f64, sounds: bool) -> String {
    let rate = vision::rate(fps);
    let (mut parts, mut order) = (Vec::new(), String::new());
    for (number, media) in media.iter().enumerate() {
        let duration = media.duration;
        parts.push(format!(
            "{}{},fps={rate},format=yuv420p,setpts=PTS-STARTPTS[seen{number}]",
            vision::of(number, media),
            vision::fit(size, "black")
        ));
        order.extend([format!("[seen{number}]")]);
        if sounds {
            parts.push(match media.audio {
                Some(_) => format!(
                    "{}{},apad,atrim=duration={duration:.6}[heard{number}]",
                    sound::of(number, media),
                    sound::ALIKE
                ),
                None => sound::silence(duration, &format!("heard{number}")),
            });
            order.extend([format!("[heard{number}]")]);
        }
    }
    let (count, voices, heard) = (media.len(), u8::from(sounds), if sounds { "[heard]" } else { "" });
    parts.push(format!("{order}concat=n={count}:v=1:a={voices}[seen]{heard}"));
    parts.join(";")
}

/// What fal names, first the one that is taken when nothing is said.
const FORMATS: [&str; 19] = [
    "mp3_44100_128",
    "mp3_22050_32",
    "mp3_44100_32",
    "mp3_44100_64",
    "mp3_44100_96",
    "mp3_44100_192",
    "pcm_8000",
    "pcm_16000",
    "pcm_22050",
    "pcm_24000",
    "pcm_44100",
    "pcm_48000",
    "ulaw_8000",
    "alaw_8000",
    "opus_48000_32",
    "opus_48000_64",
    "opus_48000_96",
    "opus_48000_128",
    "opus_48000_192",
];

pub(in super::super) fn merge_audios(input: &mut Input<'_>) -> Work {
    let files = input.files("audio_urls", Kind::Audio, 2, MAX_FILES);
    let format = input.choice("output_format", &FORMATS, FORMATS[0]);
    Box::new(move |desk| {
        let (mut parts, mut order, mut total, mut job) = (Vec::new(), String::new(), 0.0, Job::new());
        for (number, file) in files.iter().enumerate() {
            let media = desk.look(*file)?;
            parts.push(format!("{}{}[heard{number}]", sound::of(number, &media), sound::ALIKE));
            order.extend([format!("[heard{number}]")]);
            total += media.duration;
            job = job.input(*file);
        }
        parts.push(format!("{order}concat=n={}:v=0:a=1[heard]", files.len()));
        let coding = Coding::named(format).unwrap_or_else(|| Coding::mp3("128k"));
        desk.run(&job.lasting(total).graph(parts.join(";")).into_sound("[heard]", &coding))?;
        desk.sound_answer(&coding.file(), &coding)
    })
}

/// Codecs that MP4 takes as they are, and players know in it.
const KEPT: [&str; 2] = ["h264", "hevc"];

pub(in super::super) fn merge_audio_video(input: &mut Input<'_>) -> Work {
    let video = input.file("video_url", Kind::Video);
    let audio = input.file("audio_url", Kind::Audio);
    let offset = input.number("start_offset", 0.0, 1800.0).unwrap_or(0.0);
    Box::new(move |desk| {
        let (seen, heard) = (desk.look(video)?, desk.look(audio)?);
        let (length, millis) = (seen.duration, (offset * 1000.0).round());
        let voice = sound::of(1, &heard);
        let graph = format!("{voice}{},adelay={millis}:all=1,apad,atrim=duration={length:.6}[heard]", sound::ALIKE);
        let stream = seen.video.as_ref();
        let keep = stream.is_some_and(|video| KEPT.contains(&video.codec.as_str()) && video.pixel_format == "yuv420p");
        let index = stream.map_or(0, |video| video.index);
        let job = Job::new().lasting(length).input(video).input(audio).graph(graph);
        let job = job.map(format!("0:{index}")).map("[heard]");
        let job = if keep {
            // The pictures stay as they are, to the bit.
            job.words(["-c:v", "copy", "-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"]).to("out.mp4")
        } else {
            job.words(["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2"]).into_mp4("out.mp4")
        };
        desk.run(&job)?;
        let made: Output = answer("video", desk.video("out.mp4")?);
        Ok(made)
    })
}
