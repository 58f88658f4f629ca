//! What is in a file.

use serde_json::{Map, Value, json};
use tintype_engine::{Made, Output, Place, RunError};

use super::{
    super::{
        call::Work,
        desk::{self, Desk},
        input::{File, Input, Kind},
        made::round,
        probe::{Audio, Media, Video},
    },
    frames::frame,
};

pub(in super::super) fn metadata(input: &mut Input<'_>) -> Work {
    let file = input.file("media_url", Kind::Media);
    let frames = input.flag("extract_frames", false);
    Box::new(move |desk| {
        let media = desk.look(file)?;
        let url = desk.asked(file).url.clone();
        let mut told = told(&media, &url);
        let mut files = Vec::new();
        if frames && media.video.is_some() {
            files.push((Place::Url("media.start_frame_url"), frame(desk, file, "first")?));
            files.push((Place::Url("media.end_frame_url"), frame(desk, file, "last")?));
        }
        let units = Some(files.len() as f64);
        match &mut told {
            // Whoever sent the file itself instead of an address gets one.
            Value::Object(told) if url.starts_with("data:") => {
                told.remove("url");
                files.push((Place::Url("media.url"), sent(desk, file, &media)?));
            }
            _ => {}
        }
        Ok(Output { files, fields: Map::from_iter([("media".to_owned(), told)]), units })
    })
}

fn told(media: &Media, url: &str) -> Value {
    let (container, content_type) = container(media);
    let mut told = json!({
        "media_type": if media.video.is_some() { "video" } else { "audio" },
        "url": url,
        "content_type": content_type,
        "file_name": file_name(url, container),
        "file_size": media.size,
        "duration": round(media.duration),
        "bitrate": media.bitrate,
        "container": container,
    });
    let more = match (&media.video, &media.audio) {
        (Some(video), audio) => seen(media, video, audio.as_ref(), container),
        (None, Some(audio)) => heard(audio, media.bitrate),
        (None, None) => Value::Null,
    };
    if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
        told.extend(more);
    }
    told
}

fn seen(media: &Media, video: &Video, audio: Option<&Audio>, container: &str) -> Value {
    let (width, height) = (video.width, video.height);
    let divisor = divisor(width, height);
    let mut seen = json!({
        "codec": video.codec,
        "fps": round(video.fps),
        "frame_count": media.frames(),
        "timebase": video.timebase,
        "resolution": {
            "width": width,
            "height": height,
            "aspect_ratio": format!("{}:{}", width / divisor, height / divisor),
        },
        "format": {
            "container": container,
            "video_codec": video.codec,
            "profile": video.profile,
            "level": video.level,
            "pixel_format": video.pixel_format,
            "bitrate": video.bitrate,
        },
    });
    if let Some(audio) = audio {
        seen["audio"] = heard(audio, 0);
    }
    seen
}

fn heard(audio: &Audio, whole: u64) -> Value {
    let bitrate = if whole > 0 { whole } else { audio.bitrate };
    json!({ "codec": audio.codec, "channels": audio.channels, "sample_rate": audio.sample_rate, "bitrate": bitrate })
}

/// FFmpeg's word for a container, and everybody else's.
fn container(media: &Media) -> (&str, &'static str) {
    let seen = media.video.is_some();
    match media.container.as_str() {
        "mov" if seen => ("mp4", "video/mp4"),
        "mov" => ("m4a", "audio/mp4"),
        "matroska" if !is_webm(media) => ("mkv", "video/x-matroska"),
        "matroska" if seen => ("webm", "video/webm"),
        "matroska" => ("webm", "audio/webm"),
        "mp3" => ("mp3", "audio/mpeg"),
        "wav" | "w64" => ("wav", "audio/wav"),
        "flac" => ("flac", "audio/flac"),
        "aac" => ("aac", "audio/aac"),
        "ogg" if seen => ("ogg", "video/ogg"),
        "ogg" => ("ogg", "audio/ogg"),
        "gif" => ("gif", "image/gif"),
        "avi" => ("avi", "video/x-msvideo"),
        "mpegts" => ("ts", "video/mp2t"),
        "flv" => ("flv", "video/x-flv"),
        other if seen => (other, "video/octet-stream"),
        other => (other, "audio/octet-stream"),
    }
}

/// FFmpeg does not tell them apart; WebM is Matroska with few codecs.
fn is_webm(media: &Media) -> bool {
    let seen = media.video.as_ref().is_none_or(|video| ["vp8", "vp9", "av1"].contains(&video.codec.as_str()));
    seen && media.audio.as_ref().is_none_or(|audio| ["vorbis", "opus"].contains(&audio.codec.as_str()))
}

/// The file as it came.
fn sent(desk: &Desk<'_>, file: File, media: &Media) -> Result<Made, RunError> {
    let (container, content_type) = container(media);
    let extension = EXTENSIONS.into_iter().find(|known| *known == container).unwrap_or("bin");
    Ok(Made { bytes: desk.read(&desk::name(file))?, content_type, extension, facts: Map::new() })
}

const EXTENSIONS: [&str; 13] =
    ["mp4", "m4a", "mkv", "webm", "mp3", "wav", "flac", "aac", "ogg", "gif", "avi", "ts", "flv"];

fn file_name(url: &str, container: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    if url.starts_with("data:") || name.is_empty() { format!("media.{container}") } else { name.to_owned() }
}

fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { divisor(b, a % b) }
}
