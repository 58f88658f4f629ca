//! Masks: white where something is to be done, black where not.

use serde_json::{Map, Value};
use tintype_engine::Invalid;
use tintype_media::{Canvas, Encoding, Format, Mask};

use super::{
    blur::gaussian,
    call::Call,
    distance::squared,
    given::{Job, image},
};

const PIXELS: (u64, u64) = (0, 1024);
const THRESHOLDS: (u64, u64) = (0, 255);
const PNG: Encoding = Encoding::new(Format::Png);

/// White becomes black, and what is between is mirrored.
pub(super) fn invert(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    call.finish(|given| image(&changed(&given.picture()?.to_mask(), |value| 255 - value), PNG))
}

/// Softens the edges.
pub(super) fn blur(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let radius = call.number("radius", (0.0, 1024.0), 5.0);
    call.finish(move |given| {
        let mask = given.picture()?.to_mask();
        let mut values: Vec<f32> = mask.values().iter().map(|value| f32::from(*value)).collect();
        gaussian(&mut values, (mask.width(), mask.height()), radius);
        let values = values.into_iter().map(|value| (value + 0.5) as u8);
        image(&grey(&mask, values), PNG)
    })
}

pub(super) fn grow(input: &Map<String, Value>) -> Result<Job, Invalid> {
    moved(input, |white, far| white || far)
}

pub(super) fn shrink(input: &Map<String, Value>) -> Result<Job, Invalid> {
    moved(input, |white, far| white && !far)
}

/// Moves the edge of the white by some pixels, the same in every direction. What is beyond the picture counts as what its
/// edge shows, so that a mask which fills it stays full.
fn moved(input: &Map<String, Value>, keep: fn(bool, bool) -> bool) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let pixels = call.whole("pixels", PIXELS, 5);
    let threshold = call.whole("threshold", THRESHOLDS, 128) as u8;
    let growing = keep(false, true);
    call.finish(move |given| {
        let mask = given.picture()?.to_mask();
        let size = (mask.width(), mask.height());
        let white: Vec<bool> = mask.values().iter().map(|value| *value >= threshold).collect();
        // From each pixel to the nearest that is of the side which gains ground.
        let gaining = white.iter().map(|white| *white == growing);
        let distances = squared(gaining, size);
        let reach = (pixels * pixels) as f32;
        let values = white.iter().zip(distances).map(|(white, far)| u8::from(keep(*white, far <= reach)) * 255);
        image(&grey(&mask, values), PNG)
    })
}

/// White where the picture can be seen.
pub(super) fn of_transparency(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let threshold = call.whole("threshold", THRESHOLDS, 128) as u8;
    call.finish(move |given| {
        let mut picture = given.picture()?;
        for pixel in picture.pixels_mut().chunks_exact_mut(4) {
            let seen = u8::from(pixel[3] >= threshold) * 255;
            pixel.copy_from_slice(&[seen, seen, seen, 255]);
        }
        image(&picture, PNG)
    })
}

fn changed(mask: &Mask, change: fn(u8) -> u8) -> Canvas {
    grey(mask, mask.values().iter().map(|value| change(*value)))
}

/// Values as a picture of the size of a mask.
fn grey(like: &Mask, values: impl Iterator<Item = u8>) -> Canvas {
    let pixels = values.flat_map(|value| [value, value, value, 255]).collect();
    Canvas::new(like.width(), like.height(), pixels).expect("as many values as the mask has")
}
