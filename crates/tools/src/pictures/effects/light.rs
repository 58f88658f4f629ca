//! Light and dark: dissolving, dodging, burning, solarising, darker corners.

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Output, Place};
use tintype_media::{Canvas, Encoding, Filter, Format};

use super::{alone, each, mix};
use crate::pictures::{
    call::Call,
    given::{Job, made},
};

/// `dissolve`: the second picture is stretched to the size of the first.
pub(super) fn dissolve(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    call.picture("dissolve_image_url");
    let factor = call.number("dissolve_factor", (0.0, 1.0), 0.5);
    call.finish(move |given| {
        let mut picture = given.picture()?;
        let other = given.picture()?.resized(picture.width(), picture.height(), Filter::Lanczos);
        for (value, other) in picture.pixels_mut().iter_mut().zip(other.pixels()) {
            *value = (mix(f32::from(*value), f32::from(*other), factor) + 0.5) as u8;
        }
        let file = made(&picture, Encoding::new(Format::Png))?;
        Ok(Output { files: vec![(Place::Item("images"), file)], fields: Map::new(), units: None })
    })
}

/// How a value (0 to 1) becomes lighter or darker by an intensity (0 to 1).
type Exposure = fn(f32, f32) -> f32;

const DODGE: Exposure = |value, by| value * (1.0 + by * (1.0 - value));
const BURN: Exposure = |value, by| value * (1.0 - by * (1.0 - value));
const EXPOSURES: [(&str, Exposure); 8] = [
    ("dodge", DODGE),
    ("burn", BURN),
    ("dodge_and_burn", |value, by| BURN(DODGE(value, by), by)),
    ("burn_and_dodge", |value, by| DODGE(BURN(value, by), by)),
    ("color_dodge", |value, by| value / (1.0 - by).max(1e-6)),
    ("color_burn", |value, by| 1.0 - (1.0 - value) / (1.0 - by).max(1e-6)),
    ("linear_dodge", |value, by| value + by),
    ("linear_burn", |value, by| value - by),
];

/// `dodge-burn`
pub(super) fn dodge_burn(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let intensity = call.number("dodge_burn_intensity", (0.0, 1.0), 0.5);
        let expose = call.choice("dodge_burn_mode", &EXPOSURES, DODGE);
        Box::new(move |picture| each(picture, |colour| colour.map(|value| expose(value, intensity).clamp(0.0, 1.0))))
    })
}

/// `solarize`: what is lighter than the threshold is turned around.
pub(super) fn solarize(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let threshold = call.number("solarize_threshold", (0.0, 1.0), 0.5);
        let turned = move |value: f32| if value > threshold { 1.0 - value } else { value };
        Box::new(move |picture| each(picture, |colour| colour.map(turned)))
    })
}

/// `vignette`
pub(super) fn vignette(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let strength = call.number("vignette_strength", (0.0, 1.0), 0.5);
        Box::new(move |picture| darken(picture, strength))
    })
}

/// The middle keeps its light; a corner at full strength loses all of it.
fn darken(picture: &mut Canvas, strength: f32) {
    let (width, height) = (picture.width() as usize, picture.height() as f32);
    let away = |at: usize, side: f32| (at as f32 + 0.5) / side * 2.0 - 1.0;
    for (at, pixel) in picture.pixels_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = (away(at % width, width as f32), away(at / width, height));
        let light = 1.0 - strength * f32::midpoint(x * x, y * y);
        for value in &mut pixel[..3] {
            *value = (f32::from(*value) * light.clamp(0.0, 1.0) + 0.5) as u8;
        }
    }
}
