//! Colours corrected, tinted and taken away.

use serde_json::{Map, Value};
use tintype_engine::Invalid;
use tintype_media::Canvas;

use super::{Rgb, alone, each, luma, mix};
use crate::pictures::given::Job;

const PER_CENT: (f64, f64) = (-100.0, 100.0);

/// `color-correction`
#[derive(Clone, Copy)]
struct Correction {
    temperature: f32,
    brightness: f32,
    contrast: f32,
    saturation: f32,
    gamma: f32,
}

pub(super) fn correct(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let mut share = |name| call.number(name, PER_CENT, 0.0) / 100.0;
        let correction = Correction {
            temperature: share("temperature"),
            brightness: 1.0 + share("brightness"),
            contrast: 1.0 + share("contrast"),
            saturation: 1.0 + share("saturation"),
            gamma: call.number("gamma", (0.2, 2.2), 1.0),
        };
        Box::new(move |picture| correction.apply(picture))
    })
}

impl Correction {
    fn apply(self, picture: &mut Canvas) {
        // Contrast is measured from the mean, so that a dark picture stays dark.
        let mean = self.brightness * mean(picture);
        each(picture, |colour| {
            let [red, green, blue] = colour.map(|value| {
                let bright = (value * self.brightness).clamp(0.0, 1.0);
                mix(mean.clamp(0.0, 1.0), bright, self.contrast).clamp(0.0, 1.0)
            });
            let warm = self.temperature.max(0.0);
            let cold = -self.temperature.min(0.0);
            let colour = [red * (1.0 + warm), green * (1.0 + 0.4 * warm), blue * (1.0 + cold)];
            let colour = colour.map(|value| value.clamp(0.0, 1.0).powf(self.gamma));
            let grey = luma(colour);
            colour.map(|value| mix(grey, value, self.saturation))
        });
    }
}

fn mean(picture: &Canvas) -> f32 {
    let total: f64 = picture
        .pixels()
        .chunks_exact(4)
        .map(|pixel| f64::from(luma([0, 1, 2].map(|at| f32::from(pixel[at]) / 255.0))))
        .sum();
    (total / f64::from(picture.width()) / f64::from(picture.height())) as f32
}

/// What the brightness of a pixel is multiplied with, for each tint.
const TINTS: [(&str, Rgb); 20] = [
    ("sepia", [1.0, 0.82, 0.58]),
    ("red", [1.0, 0.35, 0.35]),
    ("green", [0.35, 1.0, 0.35]),
    ("blue", [0.35, 0.35, 1.0]),
    ("cyan", [0.35, 1.0, 1.0]),
    ("magenta", [1.0, 0.35, 1.0]),
    ("yellow", [1.0, 1.0, 0.35]),
    ("purple", [0.7, 0.35, 1.0]),
    ("orange", [1.0, 0.65, 0.3]),
    ("warm", [1.0, 0.9, 0.75]),
    ("cool", [0.78, 0.9, 1.0]),
    ("lime", [0.75, 1.0, 0.3]),
    ("navy", [0.25, 0.3, 0.65]),
    ("vintage", [0.9, 0.8, 0.62]),
    ("rose", [1.0, 0.7, 0.78]),
    ("teal", [0.3, 0.75, 0.75]),
    ("maroon", [0.65, 0.25, 0.25]),
    ("peach", [1.0, 0.82, 0.72]),
    ("lavender", [0.88, 0.82, 1.0]),
    ("olive", [0.65, 0.65, 0.3]),
];

/// `color-tint`
pub(super) fn tint(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let strength = call.number("tint_strength", (0.0, 1.0), 1.0);
        let tint = call.choice("tint_mode", &TINTS, TINTS[0].1);
        Box::new(move |picture| {
            each(picture, |colour| {
                let grey = luma(colour);
                [0, 1, 2].map(|at| mix(colour[at], grey * tint[at], strength))
            });
        })
    })
}

/// How bright a colour is taken to be.
type Grey = fn(Rgb) -> f32;

const GREYS: [(&str, Grey); 4] = [
    ("luminance (Rec.709)", luma),
    ("luminance (Rec.601)", |[red, green, blue]| 0.299 * red + 0.587 * green + 0.114 * blue),
    ("average", |[red, green, blue]| (red + green + blue) / 3.0),
    ("lightness", |[red, green, blue]| f32::midpoint(red.max(green).max(blue), red.min(green).min(blue))),
];

/// `desaturate`
pub(super) fn desaturate(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let factor = call.number("desaturate_factor", (0.0, 1.0), 1.0);
        let grey = call.choice("desaturate_method", &GREYS, GREYS[0].1);
        Box::new(move |picture| each(picture, |colour| colour.map(|value| mix(value, grey(colour), factor))))
    })
}
