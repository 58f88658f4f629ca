//! What a file holds, as `ffprobe` tells it.

use serde::Deserialize;
use serde_json::Value;
use tintype_engine::{Detail, RunError};

use super::{
    failure,
    input::{Asked, Kind},
};

/// Longer ones would not be done within the time of a request.
const MAX_VIDEO_SECS: f64 = 1800.0;
const MAX_AUDIO_SECS: f64 = 14400.0;
/// A little over 4096 times 4096.
const MAX_PIXELS: u64 = 17_000_000;
const MAX_SIDE: u32 = 8192;
const MAX_STREAMS: usize = 32;

/// A file that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Media {
    /// FFmpeg's name of the container, the first of several.
    pub container: String,
    pub duration: f64,
    pub bitrate: u64,
    pub size: u64,
    pub streams: usize,
    pub video: Option<Video>,
    pub audio: Option<Audio>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Video {
    /// Among the streams of the file.
    pub index: usize,
    pub codec: String,
    pub profile: String,
    pub level: i64,
    pub pixel_format: String,
    /// As shown: turned where the file says so, with square pixels.
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    pub frames: Option<u64>,
    pub bitrate: u64,
    pub timebase: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Audio {
    pub index: usize,
    pub codec: String,
    pub sample_rate: u32,
    pub channels: u32,
    pub bitrate: u64,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Format,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "format_name")]
    name: String,
    duration: Option<String>,
    bit_rate: Option<String>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Stream {
    index: usize,
    codec_name: Option<String>,
    codec_type: Option<String>,
    profile: Option<String>,
    level: i64,
    pix_fmt: Option<String>,
    width: u32,
    height: u32,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    time_base: Option<String>,
    nb_frames: Option<String>,
    bit_rate: Option<String>,
    sample_rate: Option<String>,
    channels: u32,
    duration: Option<String>,
    disposition: Disposition,
    side_data_list: Vec<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
}

/// `None` when nothing in it can be seen or heard.
pub(super) fn read(text: &str, size: u64) -> Option<Media> {
    let Told { streams, format } = serde_json::from_str(text).ok()?;
    let of = |kind: &str| {
        let fits = |stream: &&Stream| stream.codec_type.as_deref() == Some(kind) && stream.codec_name.is_some();
        // The cover of a record is no video.
        streams.iter().find(|stream| fits(stream) && stream.disposition.attached_pic == 0)
    };
    let (video, audio) = (of("video").and_then(Video::read), of("audio").and_then(Audio::read));
    if video.is_none() && audio.is_none() {
        return None;
    }
    let longest = streams.iter().filter_map(|stream| number(stream.duration.as_deref())).fold(0.0, f64::max);
    Some(Media {
        container: format.name.split(',').next().unwrap_or_default().to_owned(),
        duration: number(format.duration.as_deref()).unwrap_or(longest),
        bitrate: number(format.bit_rate.as_deref()).unwrap_or(0.0) as u64,
        size,
        streams: streams.len(),
        video,
        audio,
    })
}

impl Video {
    fn read(stream: &Stream) -> Option<Self> {
        let (mut width, mut height) = (stream.width, stream.height);
        if width == 0 || height == 0 {
            return None;
        }
        if let Some(ratio) = fraction(stream.sample_aspect_ratio.as_deref(), ':') {
            width = (f64::from(width) * ratio).round().clamp(1.0, 1e6) as u32;
        }
        let turned = |data: &Value| data["rotation"].as_f64().is_some_and(|angle| angle.abs() as u32 % 180 == 90);
        if stream.side_data_list.iter().any(turned) {
            (width, height) = (height, width);
        }
        let rate = |rate: &Option<String>| fraction(rate.as_deref(), '/').filter(|rate| (0.01..=1000.0).contains(rate));
        Some(Self {
            index: stream.index,
            codec: stream.codec_name.clone()?,
            profile: stream.profile.clone().unwrap_or_default(),
            level: stream.level,
            pixel_format: stream.pix_fmt.clone().unwrap_or_default(),
            width,
            height,
            fps: rate(&stream.avg_frame_rate).or_else(|| rate(&stream.r_frame_rate)).unwrap_or(25.0),
            frames: number(stream.nb_frames.as_deref()).map(|frames| frames as u64),
            bitrate: number(stream.bit_rate.as_deref()).unwrap_or(0.0) as u64,
            timebase: stream.time_base.clone().unwrap_or_default(),
        })
    }

    /// H.264 wants even sides.
    pub fn even(&self) -> (u32, u32) {
        (even(self.width), even(self.height))
    }
}

pub(super) fn even(side: u32) -> u32 {
    (side & !1).max(2)
}

impl Audio {
    fn read(stream: &Stream) -> Option<Self> {
        let sample_rate = number(stream.sample_rate.as_deref())? as u32;
        (sample_rate > 0 && stream.channels > 0).then(|| Self {
            index: stream.index,
            codec: stream.codec_name.clone().unwrap_or_default(),
            sample_rate,
            channels: stream.channels,
            bitrate: number(stream.bit_rate.as_deref()).unwrap_or(0.0) as u64,
        })
    }
}

impl Media {
    /// A picture stands still; everything else lasts for some time.
    pub fn is_still(&self) -> bool {
        self.container.ends_with("_pipe") || (self.container == "image2")
    }

    pub fn needs_duration(&self) -> bool {
        self.duration <= 0.0 && !self.is_still()
    }

    pub fn frames(&self) -> u64 {
        let video = self.video.as_ref();
        video.map_or(0, |video| video.frames.unwrap_or_else(|| (self.duration * video.fps).round() as u64))
    }

    pub fn check(&self, asked: &Asked) -> Result<(), RunError> {
        self.refused(asked).map_or(Ok(()), |detail| Err(failure::refuse(detail)))
    }

    fn refused(&self, asked: &Asked) -> Option<Detail> {
        match asked.kind {
            Kind::Video if self.video.is_none() || self.is_still() => return Some(failure::unsupported(asked)),
            Kind::Image if self.video.is_none() => return Some(failure::unsupported(asked)),
            Kind::Audio if self.audio.is_none() && self.video.is_some() && !self.is_still() => {
                return Some(failure::silent(asked));
            }
            Kind::Audio if self.audio.is_none() => return Some(failure::unsupported(asked)),
            Kind::Media if self.is_still() => return Some(failure::unsupported(asked)),
            _ => {}
        }
        if self.streams > MAX_STREAMS {
            let message = format!("The file has {} tracks, and at most {MAX_STREAMS} are taken", self.streams);
            return Some(Detail::new(&asked.field, "feature_not_supported", message));
        }
        let most = if asked.kind == Kind::Audio { MAX_AUDIO_SECS } else { MAX_VIDEO_SECS };
        if self.duration > most {
            return Some(failure::too_long(asked, self.duration, most));
        }
        if asked.kind != Kind::Image && self.duration <= 0.0 {
            return Some(failure::too_short(asked, self.duration, 0.01));
        }
        self.video.as_ref().filter(|_| asked.kind != Kind::Audio).and_then(|video| too_large(video, asked))
    }
}

fn too_large(video: &Video, asked: &Asked) -> Option<Detail> {
    let (width, height) = (video.width, video.height);
    let fits = width <= MAX_SIDE && height <= MAX_SIDE && u64::from(width) * u64::from(height) <= MAX_PIXELS;
    let message =
        format!("It is {width} by {height} pixels; at most {MAX_SIDE} a side and {MAX_PIXELS} in all are taken");
    let detail = Detail::new(&asked.field, "image_too_large", message);
    (!fits).then(|| detail.with("max_width", MAX_SIDE).with("max_height", MAX_SIDE))
}

fn number(text: Option<&str>) -> Option<f64> {
    text?.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
}

fn fraction(text: Option<&str>, between: char) -> Option<f64> {
    let (above, below) = text?.split_once(between)?;
    let (above, below): (f64, f64) = (above.parse().ok()?, below.parse().ok()?);
    (above > 0.0 && below > 0.0).then(|| above / below)
}
