//! Frames become a video: H.264 in MP4, animated WebP, or GIF.

use std::{fs, io};

use crate::{
    Caller, Place, ProcessError, Unready,
    ffmpeg::{self, Ffmpeg},
};

/// Pictures that follow one another: RGB, eight bits, row after row, all of one size.
#[derive(Clone, Copy, Debug)]
pub struct Video<'a> {
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    pub frames: &'a [Vec<u8>],
}

/// How a video is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// H.264, `yuv420p`, playable from its first byte on. It has even sides: an odd one loses its last row or column.
    Mp4,
    /// Repeats for ever.
    Webp,
    /// Repeats for ever; a palette made for this video. Times are hundredths of a second.
    Gif,
}

impl Container {
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Mp4 => {
                "-vf crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0,scale=out_color_matrix=bt709:out_range=tv:\
                 flags=accurate_rnd+full_chroma_int,format=yuv420p -c:v libx264 -preset medium -crf 16 \
                 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv -movflags +faststart"
            }
            Self::Webp => "-c:v libwebp_anim -quality 90 -compression_level 4 -loop 0",
            Self::Gif => {
                "-filter_complex split[one][two];[one]palettegen=stats_mode=full[palette];\
                 [two][palette]paletteuse=dither=sierra2_4a -loop 0"
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// The words are for the caller.
    #[error(transparent)]
    Unready(#[from] Unready),
    #[error("a video needs frames of {width} by {height} pixels in RGB, and a rate; frame {number} has {found} bytes")]
    Shape { width: u32, height: u32, number: usize, found: usize },
    #[error("a video needs at least one frame, sides of 2 to {MOST_SIDE} pixels, and 0.1 to 240 frames a second")]
    Empty,
    #[error("could not use the folder of the video")]
    Folder(#[source] io::Error),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error("FFmpeg said: {0}")]
    Said(String),
}

impl From<ffmpeg::RunError> for VideoError {
    fn from(error: ffmpeg::RunError) -> Self {
        match error {
            ffmpeg::RunError::NoWalls(none) => Self::Unready(none.into()),
            ffmpeg::RunError::Process(error) => Self::Process(error),
        }
    }
}

const MOST_SIDE: u32 = 16_384;
const RAW: &str = "frames.rgb";

/// Writes a video; `caller` is asked meanwhile whether it still waits.
pub fn write(video: Video<'_>, container: Container, caller: &mut dyn Caller) -> Result<Vec<u8>, VideoError> {
    let Video { width, height, fps, frames } = video;
    let ffmpeg = Ffmpeg::find()?;
    let sides = 2..=MOST_SIDE;
    if frames.is_empty() || ![width, height].iter().all(|side| sides.contains(side)) || !(0.1..=240.0).contains(&fps) {
        return Err(VideoError::Empty);
    }
    let size = width as usize * height as usize * 3;
    if let Some((number, frame)) = frames.iter().enumerate().find(|(_, frame)| frame.len() != size) {
        return Err(VideoError::Shape { width, height, number, found: frame.len() });
    }
    let place = Place::make().map_err(VideoError::Folder)?;
    lay(frames, &place).map_err(VideoError::Folder)?;
    let out = format!("out.{}", container.extension());
    let (sides, rate) = (format!("{width}x{height}"), format!("{fps:.6}"));
    let before = ["-protocol_whitelist", "file", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &sides, "-r", &rate];
    let words = before.into_iter().chain(["-i", RAW]).chain(container.words().split(' '));
    let words: Vec<String> = words.chain(["-fflags", "+bitexact", &out]).map(str::to_owned).collect();
    let ended = ffmpeg.run(&words, "error", &place, caller)?;
    if !ended.success {
        return Err(VideoError::Said(ffmpeg::last(&ended.errors).to_owned()));
    }
    fs::read(place.of(&out)).map_err(VideoError::Folder)
}

fn lay(frames: &[Vec<u8>], place: &Place) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(place.of(RAW))?);
    frames.iter().try_for_each(|frame| io::Write::write_all(&mut file, frame))?;
    io::Write::flush(&mut file)
}
