//! From bytes to pixels, within limits.

use crate::{Format, Picture};

/// What a picture may be. Checked before its pixels are unfolded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: usize,
    pub max_width: u32,
    pub max_height: u32,
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 32 MiB of file, 8,192 pixels a side, 32 million pixels in all.
    fn default() -> Self {
        Self { max_bytes: 32 << 20, max_width: 8192, max_height: 8192, max_pixels: 32_000_000 }
    }
}

/// What the header of a picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    pub format: Format,
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the file has {found} bytes: at most {limit} are allowed")]
    TooManyBytes { found: usize, limit: usize },
    /// Neither side may be longer than its limit, nor their product.
    #[error(
        "the picture is {width} x {height} pixels: at most {} x {}, and {} pixels in all, are allowed",
        limits.max_width, limits.max_height, limits.max_pixels
    )]
    TooLarge { width: u32, height: u32, limits: Limits },
    #[error("the file is not a picture in a format that is read here: expected png, jpeg, webp or gif")]
    UnknownFormat,
    #[error("the {format} file is damaged or cut short")]
    Damaged { format: Format, source: image::ImageError },
}

/// Reads the header alone.
pub fn probe(_bytes: &[u8], _limits: &Limits) -> Result<Probe, DecodeError> {
    todo!()
}

/// Decodes to RGB: upright as the camera held it, the first frame of an animation, laid over white where
/// it is transparent.
pub fn decode(_bytes: &[u8], _limits: &Limits) -> Result<Picture, DecodeError> {
    todo!()
}
