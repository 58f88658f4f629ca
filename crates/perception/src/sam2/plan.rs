//! A call from its picture to the picture of what was asked for.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Map;
use tintype_engine::{Detail, Invalid, Output, Place, Plan, RunError, Step, Wanted, Watch, unreadable_picture};
use tintype_media::{Canvas, Format, Limits, Picture, decode};

use super::{
    Parts,
    everything::everything,
    input::{Asked, Call, Everything},
    prompt::Object,
};
use crate::{
    interpolate::{Kind, interpolate},
    pixels::{encoded, opaque},
};

pub(super) struct Cutting {
    pub parts: Arc<Parts>,
    pub call: Call,
}

impl Plan for Cutting {
    fn files(&self) -> Vec<Wanted> {
        wanted(&self.call.image_url)
    }

    fn inline(&self) -> bool {
        self.call.inline
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let picture = opened(files)?;
        inside(&self.call.objects, &picture)?;
        watch.wanted()?;
        let mask = self.parts.pool.install(|| self.mask(&picture, watch))?;
        let canvas = if self.call.apply { cut_out(&picture, &mask, self.call.format) } else { drawn(&picture, &mask) };
        let file = encoded(&canvas, self.call.format)?;
        Ok(Output { files: vec![(Place::Member("image"), file.into())], fields: Map::new(), units: None })
    }
}

/// The picture of a call.
fn wanted(url: &str) -> Vec<Wanted> {
    vec![Wanted { field: "image_url".into(), url: url.to_owned(), max_bytes: Limits::default().max_bytes as u64 }]
}

fn opened(files: Vec<Bytes>) -> Result<Picture, Invalid> {
    let bytes = files.into_iter().next().unwrap_or_default();
    decode(&bytes, &Limits::default()).map_err(|error| unreadable_picture("image_url", &error))
}

/// A call without prompts.
pub(super) struct Dividing {
    pub parts: Arc<Parts>,
    pub call: Everything,
}

impl Plan for Dividing {
    fn files(&self) -> Vec<Wanted> {
        wanted(&self.call.image_url)
    }

    fn inline(&self) -> bool {
        self.call.inline
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let picture = opened(files)?;
        let parts = &self.parts;
        let objects = parts.pool.install(|| everything(parts, &picture, &self.call.wishes, watch))?;
        let combined = encoded(&coloured(&picture, &objects), self.call.format)?;
        let mut files = vec![(Place::Member("combined_mask"), combined.into())];
        for object in &objects {
            files.push((Place::Item("individual_masks"), encoded(&drawn(&picture, object), self.call.format)?.into()));
        }
        let mut fields = Map::new();
        if objects.is_empty() {
            fields.insert("individual_masks".into(), Vec::<String>::new().into());
        }
        Ok(Output { files, fields, units: Some(1.0) })
    }
}

/// Each object in a colour of its own; smaller ones lie on larger ones.
fn coloured(picture: &Picture, objects: &[Vec<bool>]) -> Canvas {
    let mut canvas = Canvas::filled(picture.width(), picture.height(), [0, 0, 0, 255]);
    let mut order: Vec<(usize, &Vec<bool>)> = objects.iter().enumerate().collect();
    order.sort_by_key(|(_, mask)| std::cmp::Reverse(mask.iter().filter(|is_there| **is_there).count()));
    for (n, mask) in order {
        // Steps of the golden ratio around the circle of colours keep neighbours apart.
        let [red, green, blue] = [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|shift: f64| {
            let turn = (n as f64 * 0.618_034 + shift).fract();
            (64.0 + 191.0 * (0.5 + 0.5 * (std::f64::consts::TAU * turn).cos())) as u8
        });
        for (pixel, _) in canvas.pixels_mut().chunks_exact_mut(4).zip(mask).filter(|(_, is_there)| **is_there) {
            pixel.copy_from_slice(&[red, green, blue, 255]);
        }
    }
    canvas
}

impl Cutting {
    /// By pixel, whether it belongs to any of the objects.
    fn mask(&self, picture: &Picture, watch: &mut dyn Watch) -> Result<Vec<bool>, RunError> {
        let Parts { network, config, .. } = &*self.parts;
        let across = config.asking.side as f32;
        let seen = self.parts.see(picture)?;
        let size = (picture.height() as usize, picture.width() as usize);
        let mut mask = vec![false; size.0 * size.1];
        let total = self.call.objects.len() as u32;
        for (done, asked) in (1..).zip(&self.call.objects) {
            let masks = network.masks(&seen, &placed(asked, picture, across))?;
            // A single point may mean a part or the whole.
            let best = masks.best(asked.area.is_none() && asked.points.len() == 1, &config.answering);
            let scores = candle_core::Tensor::from_slice(
                &masks.scores[best],
                (1, 1, masks.side, masks.side),
                &candle_core::Device::Cpu,
            )?;
            let scores = interpolate(&scores, size, Kind::Bilinear)?.flatten_all()?.to_vec1::<f32>()?;
            mask.iter_mut().zip(scores).for_each(|(mask, score)| *mask |= score > 0.0);
            watch.step(Step { done, total, measures: &[], preview: &|| None })?;
        }
        Ok(mask)
    }
}

/// From the picture's pixels to those of the square that the network sees.
fn placed(asked: &Asked, picture: &Picture, side: f32) -> Object {
    let x = |x: f64| x as f32 * side / picture.width() as f32;
    let y = |y: f64| y as f32 * side / picture.height() as f32;
    Object {
        points: asked.points.iter().map(|(_, point)| (x(point.x), y(point.y), point.is_there)).collect(),
        area: asked.area.map(|(_, [left, top, right, bottom])| [x(left), y(top), x(right), y(bottom)]),
    }
}

/// A point beside the picture asks for nothing; boxes may reach over its edges.
fn inside(objects: &[Asked], picture: &Picture) -> Result<(), Invalid> {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let outside = |n: usize, name: &str, found: f64, most: f64| {
        let message = format!("The point is outside the picture: {name} should be at most {most}");
        let path = format!("prompts.{n}.{name}");
        Detail::new(&path, "less_than_equal", message).with("le", most).found(&found.into())
    };
    for (n, point) in objects.iter().flat_map(|object| &object.points) {
        if point.x > width {
            return Err(outside(*n, "x", point.x, width).into());
        }
        if point.y > height {
            return Err(outside(*n, "y", point.y, height).into());
        }
    }
    Ok(())
}

/// White where the objects are.
fn drawn(picture: &Picture, mask: &[bool]) -> Canvas {
    let pixel = |is_there: &bool| if *is_there { [255; 4] } else { [0, 0, 0, 255] };
    let pixels = mask.iter().flat_map(pixel).collect();
    Canvas::new(picture.width(), picture.height(), pixels).expect("the mask has a value for each pixel")
}

/// The picture where the objects are; nothing elsewhere, or black in a format that knows no transparency.
fn cut_out(picture: &Picture, mask: &[bool], format: Format) -> Canvas {
    let mut canvas = opaque(picture);
    let elsewhere = if format == Format::Jpeg { [0, 0, 0, 255] } else { [0; 4] };
    for (pixel, is_there) in canvas.pixels_mut().chunks_exact_mut(4).zip(mask) {
        if !is_there {
            pixel.copy_from_slice(&elsewhere);
        }
    }
    canvas
}
