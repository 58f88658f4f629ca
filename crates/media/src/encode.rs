//! From pixels to bytes, the same bytes each time.

use bytes::Bytes;
use image::{
    ExtendedColorType::{self, Rgb8, Rgba8},
    ImageEncoder,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
        webp::WebPEncoder,
    },
};

use crate::{Canvas, Format, Picture};

#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("pictures are not written as {format}: expected png, jpeg or webp")]
    NotWritten { format: Format },
    #[error("a picture of {width} x {height} pixels cannot be written as {format}")]
    Failed { format: Format, width: u32, height: u32, source: image::ImageError },
}

/// `quality` (1 to 100) counts for JPEG alone; PNG and WebP are written without loss.
pub fn encode(picture: &Picture, format: Format, quality: u8) -> Result<Bytes, EncodeError> {
    let pixels = Pixels { size: (picture.width(), picture.height()), samples: picture.pixels(), kind: Rgb8 };
    pixels.written(Encoding { format, quality, small: false })
}

/// How a canvas is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    pub format: Format,
    /// 1 to 100; counts for JPEG alone.
    pub quality: u8,
    /// Takes more time for a smaller file.
    pub small: bool,
}

impl Encoding {
    pub const fn new(format: Format) -> Self {
        Self { format, quality: 92, small: false }
    }
}

/// With its transparency, where there is some and the format has a place for it; JPEG has none, and gets white.
pub fn encode_canvas(canvas: &Canvas, encoding: Encoding) -> Result<Bytes, EncodeError> {
    let size = (canvas.width(), canvas.height());
    if encoding.format == Format::Jpeg || canvas.opaque() {
        let flat = canvas.over([255; 3]);
        return Pixels { size, samples: flat.pixels(), kind: Rgb8 }.written(encoding);
    }
    Pixels { size, samples: canvas.pixels(), kind: Rgba8 }.written(encoding)
}

struct Pixels<'a> {
    size: (u32, u32),
    samples: &'a [u8],
    kind: ExtendedColorType,
}

impl Pixels<'_> {
    fn written(&self, Encoding { format, quality, small }: Encoding) -> Result<Bytes, EncodeError> {
        let mut bytes = Vec::with_capacity(self.samples.len() / 2);
        let quality = quality.clamp(1, 100);
        let written = match (format, small) {
            (Format::Png, false) => self.by(PngEncoder::new(&mut bytes)),
            (Format::Png, true) => {
                self.by(PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive))
            }
            (Format::Jpeg, false) => self.by(JpegEncoder::new_with_quality(&mut bytes, quality)),
            (Format::Jpeg, true) => self.small_jpeg(&mut bytes, quality),
            (Format::Webp, _) => self.by(WebPEncoder::new_lossless(&mut bytes)),
            (Format::Gif, _) => return Err(EncodeError::NotWritten { format }),
        };
        let (width, height) = self.size;
        written.map_err(|source| EncodeError::Failed { format, width, height, source })?;
        Ok(bytes.into())
    }

    fn by(&self, encoder: impl ImageEncoder) -> image::ImageResult<()> {
        encoder.write_image(self.samples, self.size.0, self.size.1, self.kind)
    }

    /// Progressive, with tables made for this picture.
    fn small_jpeg(&self, bytes: &mut Vec<u8>, quality: u8) -> image::ImageResult<()> {
        let failed = |error: jpeg_encoder::EncodingError| {
            image::ImageError::Encoding(image::error::EncodingError::new(image::ImageFormat::Jpeg.into(), error))
        };
        let side = |side: u32| {
            u16::try_from(side).map_err(|_| failed(jpeg_encoder::EncodingError::Write("a side is too long".into())))
        };
        let mut encoder = jpeg_encoder::Encoder::new(bytes, quality);
        encoder.set_optimized_huffman_tables(true);
        encoder.set_progressive(true);
        let (width, height) = (side(self.size.0)?, side(self.size.1)?);
        encoder.encode(self.samples, width, height, jpeg_encoder::ColorType::Rgb).map_err(failed)
    }
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

    #[test]
    fn transparency_is_kept_where_the_format_has_a_place_for_it() {
        let canvas = Canvas::filled(3, 2, [10, 200, 30, 128]);
        let limits = crate::Limits::default();
        for format in [Format::Png, Format::Webp] {
            let bytes = encode_canvas(&canvas, Encoding { small: true, ..Encoding::new(format) }).unwrap();
            assert_eq!(crate::decode_canvas(&bytes, &limits).unwrap(), canvas, "{format}");
        }
        let bytes = encode_canvas(&canvas, Encoding::new(Format::Jpeg)).unwrap();
        let flat = crate::decode(&bytes, &limits).unwrap();
        assert!(flat.pixels()[1].abs_diff(227) < 4, "{:?}", flat.pixels());
    }

    #[test]
    fn more_time_makes_files_no_larger() {
        let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 27) as u8 + (at / 64 % 64) as u8 * 2;
        let canvas = Canvas::from(&Picture::new(64, 64, (0..64 * 64 * 3).map(noise).collect()).unwrap());
        for format in [Format::Png, Format::Jpeg] {
            let encoding = Encoding { format, quality: 80, small: false };
            let quick = encode_canvas(&canvas, encoding).unwrap();
            let small = encode_canvas(&canvas, Encoding { small: true, ..encoding }).unwrap();
            assert!(small.len() <= quick.len(), "{format}: {} and {}", small.len(), quick.len());
        }
    }
}
