//! A call from its picture to the picture of its depth.

use std::sync::Arc;

use bytes::Bytes;
use candle_core::Tensor;
use serde_json::Map;
use tintype_engine::{Output, Place, Plan, RunError, Wanted, Watch, unreadable_picture};
use tintype_media::{Canvas, Filter, Format, Limits, Picture, decode};

use super::Parts;
use crate::{
    interpolate::{Kind, interpolate},
    pixels::encoded,
};

/// What the network looks at has this many pixels on its shorter side, as in training.
const SIDE: usize = 518;
/// A very long picture is squeezed to so many of its shorter side: attention grows with the square.
const LONGEST: usize = 4;

pub(super) struct Looking {
    pub parts: Arc<Parts>,
    pub image_url: String,
}

impl Plan for Looking {
    fn files(&self) -> Vec<Wanted> {
        let url = self.image_url.clone();
        vec![Wanted { field: "image_url".into(), url, max_bytes: Limits::default().max_bytes as u64 }]
    }

    fn inline(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let bytes = files.into_iter().next().unwrap_or_default();
        let picture = decode(&bytes, &Limits::default()).map_err(|error| unreadable_picture("image_url", &error))?;
        watch.wanted()?;
        let Parts { preparation, patch, pool, .. } = &*self.parts;
        let shorter = preparation.size.map_or(SIDE, |size| size.height.min(size.width));
        let size = network_size(&picture, shorter, *patch);
        let depth = pool.install(|| {
            let depth = self.parts.forward(&preparation.prepare(&picture, size, Filter::Bicubic)?)?;
            interpolate(&depth, (picture.height() as usize, picture.width() as usize), Kind::Bicubic)
        })?;
        let file = encoded(&grey(&depth, &picture)?, Format::Png)?;
        Ok(Output { files: vec![(Place::Member("image"), file.into())], fields: Map::new(), units: None })
    }
}

/// Scaled as little as possible so that one side is `side`, then to whole patches.
fn network_size(picture: &Picture, side: usize, patch: usize) -> (usize, usize) {
    let (height, width) = (f64::from(picture.height()), f64::from(picture.width()));
    let (by_height, by_width) = (side as f64 / height, side as f64 / width);
    let scale = if (1.0 - by_width).abs() < (1.0 - by_height).abs() { by_width } else { by_height };
    // The shorter side must not vanish, nor the longer grow beyond what memory holds.
    let patches = |length: f64| {
        let nearest = (length * scale / patch as f64).round_ties_even() as usize;
        nearest.clamp(1, LONGEST * side / patch)
    };
    (patches(height) * patch, patches(width) * patch)
}

/// White is near, black is far.
fn grey(depth: &Tensor, picture: &Picture) -> Result<Canvas, RunError> {
    let values = depth.flatten_all()?.to_vec1::<f32>()?;
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let range = (values.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least).max(f32::MIN_POSITIVE);
    let pixel = |value: &f32| {
        let level = ((value - least) / range * 255.0) as u8;
        [level, level, level, 255]
    };
    let pixels = values.iter().flat_map(pixel).collect();
    let canvas = Canvas::new(picture.width(), picture.height(), pixels);
    canvas.ok_or_else(|| RunError::Computation("the network's answer is not a picture".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_patches_as_in_transformers() {
        let size = |width, height| {
            network_size(&Picture::new(width, height, vec![0; (width * height * 3) as usize]).unwrap(), 518, 14)
        };
        assert_eq!(size(640, 480), (518, 686));
        assert_eq!(size(480, 640), (686, 518));
        assert_eq!(size(518, 518), (518, 518));
        assert_eq!(size(2000, 1), (14, 518));
        assert_eq!(size(4000, 1000), (518, 2072));
    }
}
