//! Between pictures of bytes and tensors from -1 to 1.

use candle_core::{DType, Device, Result, Tensor};
use tintype_engine::RunError;
use tintype_media::{EncodeError, Format, Mask, Picture, encode};

use crate::{Compute, Size};

const QUALITY: u8 = 95;
const PREVIEW_QUALITY: u8 = 80;
const PREVIEW_SIDE: u32 = 512;

/// (1, 3, height, width) in single precision, scaled to `size` whatever its proportions.
pub fn from_picture(picture: &Picture, size: Size, compute: &Compute) -> Result<Tensor> {
    let (width, height) = (size.width as usize, size.height as usize);
    let scaled = if (picture.width(), picture.height()) == (size.width, size.height) {
        picture.clone()
    } else {
        picture.resized(size.width, size.height)
    };
    let pixels = scaled.pixels();
    let channel = |c: usize| pixels.iter().skip(c).step_by(3).map(|&byte| f32::from(byte) / 127.5 - 1.0);
    let values: Vec<f32> = (0..3).flat_map(channel).collect();
    Tensor::from_vec(values, (1, 3, height, width), &Device::Cpu)?.to_device(&compute.device)
}

/// (1, 1, height, width) in single precision: 1 is white, where to paint, and 0 is black; nothing lies between.
pub fn from_mask(mask: &Mask, size: Size, compute: &Compute) -> Result<Tensor> {
    let scaled = mask.resized(size.width, size.height);
    let values: Vec<f32> = scaled.values().iter().map(|&value| f32::from(u8::from(value >= 128))).collect();
    Tensor::from_vec(values, (1, 1, size.height as usize, size.width as usize), &Device::Cpu)?
        .to_device(&compute.device)
}

/// The one picture of (1, 3, height, width) from -1 to 1. `None` when the tensor holds no such thing.
pub fn to_picture(tensor: &Tensor) -> Result<Option<Picture>> {
    let (_, _, height, width) = tensor.dims4()?;
    let tensor = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
    let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
    // As the reference's post-processing: halved first, then rounded half to even.
    let byte = |value: f32| ((value * 0.5 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
    let count = height * width;
    let pixels = (0..count * 3).map(|at| byte(values[at % 3 * count + at / 3])).collect();
    Ok(Picture::new(width as u32, height as u32, pixels))
}

/// Encodes for the answer.
pub fn encoded(picture: &Picture, format: Format) -> std::result::Result<tintype_engine::Picture, EncodeError> {
    encoded_as(picture, format, QUALITY)
}

/// A small picture of how far a run is, from a guess (1, 3, height, width) from -1 to 1. Small guesses are enlarged.
pub fn preview(guess: &Tensor) -> Option<tintype_engine::Picture> {
    let picture = to_picture(guess).ok()??;
    let (width, height) = (picture.width(), picture.height());
    let side = |side: u32| (side * PREVIEW_SIDE / width.max(height)).max(1);
    encoded_as(&picture.resized(side(width), side(height)), Format::Jpeg, PREVIEW_QUALITY).ok()
}

fn encoded_as(
    picture: &Picture,
    format: Format,
    quality: u8,
) -> std::result::Result<tintype_engine::Picture, EncodeError> {
    Ok(tintype_engine::Picture {
        bytes: encode(picture, format, quality)?,
        content_type: format.content_type(),
        extension: format.extension(),
        width: picture.width(),
        height: picture.height(),
    })
}

/// When a network answers with something that is no picture.
pub fn no_picture() -> RunError {
    RunError::Computation("the network's answer is not a picture".into())
}
