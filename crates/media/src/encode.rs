//! From pixels to bytes, the same bytes each time.

use bytes::Bytes;

use crate::{Format, Picture};

#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("pictures are not written as {format}: expected png, jpeg or webp")]
    NotWritten { format: Format },
    #[error("a picture of {width} x {height} pixels cannot be written as {format}")]
    Failed { format: Format, width: u32, height: u32, source: image::ImageError },
}

/// `quality` (1 to 100) counts for JPEG alone; PNG and WebP are written without loss.
pub fn encode(_picture: &Picture, _format: Format, _quality: u8) -> Result<Bytes, EncodeError> {
    todo!()
}
