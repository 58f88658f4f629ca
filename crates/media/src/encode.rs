//! From pixels to bytes, the same bytes each time.

use bytes::Bytes;
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
};

use crate::{Format, Picture};

#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("pictures are not written as {format}: expected png, jpeg or webp")]
    NotWritten { format: Format },
    #[error("a picture of {width} x {height} pixels cannot be written as {format}")]
    Failed { format: Format, width: u32, height: u32, source: image::ImageError },
}

/// `quality` (1 to 100) counts for JPEG alone; PNG and WebP are written without loss.
pub fn encode(picture: &Picture, format: Format, quality: u8) -> Result<Bytes, EncodeError> {
    let (width, height) = (picture.width(), picture.height());
    let mut bytes = Vec::with_capacity(picture.pixels().len() / 2);
    let written = match format {
        Format::Png => write(PngEncoder::new(&mut bytes), picture),
        Format::Jpeg => write(JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100)), picture),
        Format::Webp => write(WebPEncoder::new_lossless(&mut bytes), picture),
        Format::Gif => return Err(EncodeError::NotWritten { format }),
    };
    written.map_err(|source| EncodeError::Failed { format, width, height, source })?;
    Ok(bytes.into())
}

fn write(encoder: impl ImageEncoder, picture: &Picture) -> image::ImageResult<()> {
    encoder.write_image(picture.pixels(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_pixels_give_the_same_bytes() {
        let picture = Picture::new(64, 64, (0..64 * 64 * 3).map(|at| (at * 7 % 251) as u8).collect()).unwrap();
        for format in [Format::Png, Format::Jpeg, Format::Webp] {
            assert_eq!(encode(&picture, format, 90).unwrap(), encode(&picture, format, 90).unwrap(), "{format}");
        }
    }

    #[test]
    fn a_picture_beyond_a_format_is_an_error() {
        let long = Picture::new(70_000, 1, vec![0; 210_000]).unwrap();
        assert!(matches!(encode(&long, Format::Jpeg, 90), Err(EncodeError::Failed { width: 70_000, .. })));
        assert!(matches!(encode(&long, Format::Gif, 90), Err(EncodeError::NotWritten { .. })));
    }
}
