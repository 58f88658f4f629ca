//! Chromatic aberration: the colours of a picture moved against each other, as by a poor lens.

use serde_json::{Map, Value};
use tintype_engine::Invalid;
use tintype_media::Canvas;

use super::{alone, channel};
use crate::pictures::given::Job;

const CHANNELS: [(&str, &str); 3] =
    [("red_shift", "red_direction"), ("green_shift", "green_direction"), ("blue_shift", "blue_direction")];

pub(super) fn plan(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let shifts = CHANNELS.map(|(shift, direction)| {
            let pixels = call.number(shift, (-20.0, 20.0), 0.0).round() as i64;
            let across = call.choice(direction, &[("horizontal", true), ("vertical", false)], true);
            if across { (pixels, 0) } else { (0, pixels) }
        });
        Box::new(move |picture| {
            for (at, shift) in shifts.into_iter().enumerate().filter(|(_, shift)| *shift != (0, 0)) {
                moved(picture, at, shift);
            }
        })
    })
}

/// What comes in from outside is what the edge shows.
fn moved(picture: &mut Canvas, at: usize, (right, down): (i64, i64)) {
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    let values = channel(picture, at);
    let from = |place: i64| {
        let (x, y) = (place % width - right, place / width - down);
        (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize
    };
    let values: Vec<f32> = (0..width * height).map(|place| values[from(place)]).collect();
    super::put(picture, at, &values);
}
