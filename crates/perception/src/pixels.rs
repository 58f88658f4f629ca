//! Between pictures and what networks take: numbers around zero, channel by channel.

use candle_core::{Device, Result, Tensor};
use serde::Deserialize;
use tintype_engine::{Picture, RunError};
use tintype_media::{Canvas, Encoding, Filter, Format, Picture as Pixels};

use crate::weights::{Loaded, json};

/// Of `preprocessor_config.json`, what decides how a picture is brought to the network.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Preparation {
    #[serde(default = "mean")]
    pub image_mean: [f32; 3],
    #[serde(default = "deviation")]
    pub image_std: [f32; 3],
    #[serde(default)]
    pub size: Option<Side>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Side {
    pub height: usize,
    pub width: usize,
}

impl Preparation {
    pub fn load(folder: &std::path::Path) -> Loaded<Self> {
        json(folder, "preprocessor_config.json")
    }

    /// (1, 3, height, width), of exactly this size.
    pub fn prepare(&self, picture: &Pixels, (height, width): (usize, usize), filter: Filter) -> Result<Tensor> {
        let scaled = if (picture.width() as usize, picture.height() as usize) == (width, height) {
            picture.clone()
        } else {
            opaque(picture).resized(width as u32, height as u32, filter).over([0; 3])
        };
        let mut values = Vec::with_capacity(3 * height * width);
        for (channel, (mean, deviation)) in self.image_mean.iter().zip(self.image_std).enumerate() {
            let value = |pixel: &[u8]| (f32::from(pixel[channel]) / 255.0 - mean) / deviation;
            values.extend(scaled.pixels().chunks_exact(3).map(value));
        }
        Tensor::from_vec(values, (1, 3, height, width), &Device::Cpu)
    }
}

pub(crate) fn opaque(picture: &Pixels) -> Canvas {
    let with = |pixel: &[u8]| [pixel[0], pixel[1], pixel[2], 255];
    let pixels = picture.pixels().chunks_exact(3).flat_map(with).collect();
    Canvas::new(picture.width(), picture.height(), pixels).expect("a picture has pixels for its size")
}

/// A file of these pixels. JPEG knows no transparency; what is clear becomes black.
pub(crate) fn encoded(canvas: &Canvas, format: Format) -> std::result::Result<Picture, RunError> {
    let encoding = Encoding { quality: 95, ..Encoding::new(format) };
    let bytes = tintype_media::encode_canvas(canvas, encoding).map_err(|error| RunError::Computation(error.into()))?;
    let (content_type, extension) = (format.content_type(), format.extension());
    Ok(Picture { bytes, content_type, extension, width: canvas.width(), height: canvas.height() })
}

fn mean() -> [f32; 3] {
    [0.485, 0.456, 0.406]
}

fn deviation() -> [f32; 3] {
    [0.229, 0.224, 0.225]
}
