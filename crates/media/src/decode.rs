//! From bytes to pixels, within limits.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader};

use crate::{Canvas, Format, Picture};

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
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, DecodeError> {
    open(bytes, limits).map(|(probe, _)| probe)
}

/// Decodes to RGB: upright as the camera held it, the first frame of an animation, laid over white where
/// it is transparent. Colour profiles are not looked at: samples are taken as sRGB.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, DecodeError> {
    let image = upright(bytes, limits)?;
    if image.color().has_alpha() {
        return canvas(image).map(|canvas| canvas.over([255; 3]));
    }
    let (width, height) = (image.width(), image.height());
    // A decoder that breaks its own word about the size is as bad as a damaged file.
    Picture::new(width, height, image.into_rgb8().into_raw()).ok_or(DecodeError::UnknownFormat)
}

/// As `decode`, and what is transparent stays so.
pub fn decode_canvas(bytes: &[u8], limits: &Limits) -> Result<Canvas, DecodeError> {
    canvas(upright(bytes, limits)?)
}

fn canvas(image: DynamicImage) -> Result<Canvas, DecodeError> {
    let (width, height) = (image.width(), image.height());
    Canvas::new(width, height, image.into_rgba8().into_raw()).ok_or(DecodeError::UnknownFormat)
}

fn upright(bytes: &[u8], limits: &Limits) -> Result<DynamicImage, DecodeError> {
    let (Probe { format, .. }, mut decoder) = open(bytes, limits)?;
    let damaged = |source| DecodeError::Damaged { format, source };
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Probe, impl ImageDecoder + use<'a>), DecodeError> {
    if bytes.len() > limits.max_bytes {
        return Err(DecodeError::TooManyBytes { found: bytes.len(), limit: limits.max_bytes });
    }
    let guessed = image::guess_format(bytes).ok().and_then(Format::from_image);
    let format = guessed.ok_or(DecodeError::UnknownFormat)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.as_image());
    reader.limits(memory(limits));
    let decoder = reader.into_decoder().map_err(|source| DecodeError::Damaged { format, source })?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width > limits.max_width || height > limits.max_height || pixels > limits.max_pixels {
        return Err(DecodeError::TooLarge { width, height, limits: *limits });
    }
    Ok((Probe { format, width, height }, decoder))
}

/// Room for 16 bits in each of four channels, and as much again for what a decoder keeps beside the pixels. The
/// sides are left to the check above, whose message names the limits.
fn memory(limits: &Limits) -> image::Limits {
    let mut memory = image::Limits::no_limits();
    memory.max_alloc = Some(limits.max_pixels.saturating_mul(16).saturating_add(1 << 20));
    memory
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;
    use crate::encode;

    fn picture() -> Picture {
        let pixels = (0..16 * 9).flat_map(|at| [at as u8, 255 - at as u8, 77]).collect();
        Picture::new(16, 9, pixels).unwrap()
    }

    fn tight() -> Limits {
        Limits { max_bytes: 1 << 20, max_width: 100, max_height: 100, max_pixels: 5_000 }
    }

    /// A PNG whose header promises `width` by `height` and which holds next to nothing.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut header = [&b"IHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        header.extend(crc(&header).to_be_bytes());
        let data = [&b"IDAT"[..], &crc(b"IDAT").to_be_bytes()].concat();
        [&b"\x89PNG\r\n\x1a\n\0\0\0\x0d"[..], &header, &[0; 4], &data].concat()
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32, byte: &u8| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
        };
        !bytes.iter().fold(u32::MAX, step)
    }

    #[test]
    fn what_is_written_without_loss_is_read_back_exactly() {
        for format in [Format::Png, Format::Webp] {
            let bytes = encode(&picture(), format, 90).unwrap();
            assert_eq!(probe(&bytes, &tight()).unwrap(), Probe { format, width: 16, height: 9 });
            assert_eq!(decode(&bytes, &tight()).unwrap(), picture());
        }
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        for (width, height) in [(60_000, 60_000), (u32::MAX, 1), (101, 1), (100, 51)] {
            let found = decode(&bomb(width, height), &tight()).unwrap_err();
            assert!(!matches!(found, DecodeError::UnknownFormat | DecodeError::TooManyBytes { .. }), "{found}");
        }
        let message = decode(&bomb(101, 7), &tight()).unwrap_err().to_string();
        assert_eq!(message, "the picture is 101 x 7 pixels: at most 100 x 100, and 5000 pixels in all, are allowed");
    }

    #[test]
    fn a_file_over_the_limit_is_not_looked_at() {
        let limits = Limits { max_bytes: 10, ..tight() };
        assert!(matches!(probe(&[0; 11], &limits), Err(DecodeError::TooManyBytes { found: 11, limit: 10 })));
    }

    #[test]
    fn what_is_no_picture_is_called_so() {
        for bytes in [&b""[..], b"hello", b"<svg/>", b"%PDF-1.4", b"BM123456789012345678901234567890"] {
            assert!(matches!(decode(bytes, &tight()), Err(DecodeError::UnknownFormat)), "{bytes:?}");
        }
    }

    #[test]
    fn every_cut_of_every_format_is_an_error_and_never_a_panic() {
        for format in [Format::Png, Format::Webp, Format::Jpeg] {
            let bytes = encode(&picture(), format, 90).unwrap();
            for end in 0..bytes.len() - 12 {
                // A decoder may tolerate a missing tail; it may not fall over.
                let _ = decode(&bytes[..end], &tight());
            }
            assert!(decode(&bytes[..bytes.len() / 2], &tight()).is_err(), "{format}");
        }
    }

    #[test]
    fn transparency_is_laid_over_white() {
        let mut image = RgbaImage::new(2, 1);
        image.put_pixel(0, 0, Rgba([200, 0, 0, 0]));
        image.put_pixel(1, 0, Rgba([200, 0, 0, 255]));
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        assert_eq!(decode(&bytes, &tight()).unwrap().pixels(), [255, 255, 255, 200, 0, 0]);
        assert_eq!(decode_canvas(&bytes, &tight()).unwrap().pixels(), [200, 0, 0, 0, 200, 0, 0, 255]);
    }
}
