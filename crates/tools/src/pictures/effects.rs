//! Looks: colours corrected, tinted, taken away; edges blurred, sharpened, darkened.
//!
//! What is transparent stays as it is: effects change colours alone.

mod colours;
mod focus;
mod light;
mod shift;

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Output, Place};
use tintype_media::{Canvas, Encoding, Format};

use super::{
    call::Call,
    given::{Job, made},
};
use crate::Route;

/// The routes of `post-processing`.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new("/blur", focus::blur),
        Route::new("/chromatic-aberration", shift::plan),
        Route::new("/color-correction", colours::correct),
        Route::new("/color-tint", colours::tint),
        Route::new("/desaturate", colours::desaturate),
        Route::new("/dissolve", light::dissolve),
        Route::new("/dodge-burn", light::dodge_burn),
        Route::new("/sharpen", focus::sharpen),
        Route::new("/solarize", light::solarize),
        Route::new("/vignette", light::vignette),
    ]
}

/// Red, green and blue from 0 to 1.
type Rgb = [f32; 3];

/// An effect that looks at nothing but the picture itself.
fn alone(
    input: &Map<String, Value>,
    read: impl FnOnce(&mut Call<'_>) -> Box<dyn FnOnce(&mut Canvas) + Send>,
) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let effect = read(&mut call);
    call.finish(move |given| {
        let mut picture = given.picture()?;
        given.watch.wanted()?;
        effect(&mut picture);
        let file = made(&picture, Encoding::new(Format::Png))?;
        Ok(Output { files: vec![(Place::Item("images"), file)], fields: Map::new(), units: None })
    })
}

/// Gives every pixel another colour.
fn each(picture: &mut Canvas, change: impl Fn(Rgb) -> Rgb) {
    for pixel in picture.pixels_mut().chunks_exact_mut(4) {
        let changed = change([0, 1, 2].map(|at| f32::from(pixel[at]) / 255.0));
        for (value, changed) in pixel.iter_mut().zip(changed) {
            *value = (changed.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        }
    }
}

/// Brightness to the eye (Rec. 709).
fn luma([red, green, blue]: Rgb) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn mix(from: f32, to: f32, part: f32) -> f32 {
    from + (to - from) * part
}

/// One channel of a picture, 0 to 255.
fn channel(picture: &Canvas, at: usize) -> Vec<f32> {
    picture.pixels().chunks_exact(4).map(|pixel| f32::from(pixel[at])).collect()
}

fn put(picture: &mut Canvas, at: usize, values: &[f32]) {
    for (pixel, value) in picture.pixels_mut().chunks_exact_mut(4).zip(values) {
        pixel[at] = (value.clamp(0.0, 255.0) + 0.5) as u8;
    }
}
