//! Between pictures of bytes and tensors from -1 to 1.

use candle_core::{Device, Result, Tensor};
use tintype_media::{Mask, Picture};

use super::network::SIDE;

const SIDE_U32: u32 = SIDE as u32;

/// (1, 3, 64, 64), squeezed into the square whatever its proportions.
pub(super) fn from_picture(picture: &Picture) -> Result<Tensor> {
    let small = picture.resized(SIDE_U32, SIDE_U32);
    let pixels = small.pixels();
    let channel = |c: usize| pixels.iter().skip(c).step_by(3).map(|&byte| f32::from(byte) / 127.5 - 1.0);
    Tensor::from_vec((0..3).flat_map(channel).collect::<Vec<f32>>(), (1, 3, SIDE, SIDE), &Device::Cpu)
}

/// (1, 1, 64, 64): 1 is white, where to paint.
pub(super) fn from_mask(mask: &Mask) -> Result<Tensor> {
    let small = mask.resized(SIDE_U32, SIDE_U32);
    let values: Vec<f32> = small.values().iter().map(|&value| f32::from(value) / 255.0).collect();
    Tensor::from_vec(values, (1, 1, SIDE, SIDE), &Device::Cpu)
}

/// The one picture of (1, 3, height, width). `None` when the tensor holds no such thing.
pub(super) fn to_picture(tensor: &Tensor) -> Result<Option<Picture>> {
    let (_, _, height, width) = tensor.dims4()?;
    let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
    let byte = |value: f32| ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8;
    let count = height * width;
    let pixels = (0..count * 3).map(|at| byte(values[at % 3 * count + at / 3])).collect();
    Ok(Picture::new(width as u32, height as u32, pixels))
}

/// `painted` where the mask is white, `kept` where it is black.
pub(super) fn blend(painted: &Picture, kept: &Picture, mask: &Mask) -> Option<Picture> {
    let (width, height) = (painted.width(), painted.height());
    let (kept, mask) = (kept.resized(width, height), mask.resized(width, height));
    let pairs = painted.pixels().iter().zip(kept.pixels()).enumerate();
    let mix = |(at, (&new, &old)): (usize, (&u8, &u8))| {
        let share = u32::from(mask.values()[at / 3]);
        ((u32::from(new) * share + u32::from(old) * (255 - share) + 127) / 255) as u8
    };
    Picture::new(width, height, pairs.map(mix).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture::new(64, 64, (0..64 * 64 * 3).map(|at| (at % 251) as u8).collect()).unwrap()
    }

    #[test]
    fn a_picture_survives_the_way_there_and_back() {
        let back = to_picture(&from_picture(&picture()).unwrap()).unwrap().unwrap();
        assert_eq!(back.pixels(), picture().pixels());
    }

    #[test]
    fn values_out_of_range_are_held() {
        let tensor = Tensor::from_vec(vec![-9.0_f32, 0.0, 9.0], (1, 3, 1, 1), &Device::Cpu).unwrap();
        assert_eq!(to_picture(&tensor).unwrap().unwrap().pixels(), [0, 128, 255]);
    }

    #[test]
    fn a_mask_keeps_the_black_and_paints_the_white() {
        let new = Picture::new(2, 1, vec![200; 6]).unwrap();
        let old = Picture::new(2, 1, vec![10; 6]).unwrap();
        let mask = Picture::new(2, 1, vec![255, 255, 255, 0, 0, 0]).unwrap().to_mask();
        assert_eq!(blend(&new, &old, &mask).unwrap().pixels(), [200, 200, 200, 10, 10, 10]);
    }
}
