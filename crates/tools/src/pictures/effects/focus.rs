//! Softer and sharper.

use serde_json::{Map, Value};
use tintype_engine::Invalid;
use tintype_media::Canvas;

use super::{alone, channel, put};
use crate::pictures::{blur::gaussian, given::Job};

/// `blur`
pub(super) fn blur(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let radius = call.whole("blur_radius", (0, 31), 3);
        let deviation = call.number("blur_sigma", (0.1, 10.0), 1.0);
        let smooth = call.choice("blur_type", &[("gaussian", true), ("kuwahara", false)], true);
        Box::new(move |picture| {
            if radius == 0 {
                return;
            }
            if smooth { soften(picture, deviation) } else { kuwahara(picture, radius as usize) }
        })
    })
}

fn soften(picture: &mut Canvas, deviation: f32) {
    let size = (picture.width(), picture.height());
    for at in 0..3 {
        let mut values = channel(picture, at);
        gaussian(&mut values, size, deviation);
        put(picture, at, &values);
    }
}

/// Each pixel becomes the mean of that square of four around it whose brightness varies least: surfaces become plain, and
/// edges stay.
fn kuwahara(picture: &mut Canvas, radius: usize) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let channels = [0, 1, 2].map(|at| channel(picture, at));
    let light: Vec<f32> =
        (0..width * height).map(|at| channels.iter().map(|values| values[at]).sum::<f32>() / 3.0).collect();
    let squares: Vec<f32> = light.iter().map(|value| value * value).collect();
    let sums = |values: &[f32]| Sums::of(values, width);
    let (light, squares, channels) = (sums(&light), sums(&squares), channels.map(|values| sums(&values)));
    let mut out = [0, 1, 2].map(|_| vec![0.0; width * height]);
    for at in 0..width * height {
        let (x, y) = (at % width, at / width);
        let spans = |place: usize, side: usize| {
            [(place.saturating_sub(radius), place + 1), (place, (place + radius + 1).min(side))]
        };
        let mut best = (f64::INFINITY, (0, 0), (0, 0));
        for columns in spans(x, width) {
            for rows in spans(y, height) {
                let mean = light.mean(columns, rows);
                let spread = squares.mean(columns, rows) - mean * mean;
                if spread < best.0 {
                    best = (spread, columns, rows);
                }
            }
        }
        for (out, channel) in out.iter_mut().zip(&channels) {
            out[at] = channel.mean(best.1, best.2) as f32;
        }
    }
    for (at, values) in out.iter().enumerate() {
        put(picture, at, values);
    }
}

/// Sums of all that is above and left, from which the sum of any rectangle follows.
struct Sums {
    stride: usize,
    sums: Vec<f64>,
}

impl Sums {
    fn of(values: &[f32], width: usize) -> Self {
        let stride = width + 1;
        let mut sums = vec![0.0; stride];
        for row in values.chunks_exact(width) {
            let above = sums.len() - stride;
            let mut total = 0.0;
            sums.push(0.0);
            for (x, value) in row.iter().enumerate() {
                total += f64::from(*value);
                let up = sums[above + x + 1];
                sums.push(up + total);
            }
        }
        Self { stride, sums }
    }

    fn mean(&self, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> f64 {
        let at = |x: usize, y: usize| self.sums[y * self.stride + x];
        let sum = at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top);
        sum / ((right - left) * (bottom - top)) as f64
    }
}

/// `sharpen`: what a blur takes away is added.
pub(super) fn sharpen(input: &Map<String, Value>) -> Result<Job, Invalid> {
    alone(input, |call| {
        let deviation = call.number("sharpen_radius", (0.1, 31.0), 1.0);
        let strength = call.number("sharpen_alpha", (0.0, 5.0), 1.0);
        let amount = call.number("cas_amount", (0.0, 1.0), 0.8);
        let adaptive = call.choice("sharpen_mode", &[("basic", false), ("cas", true)], false);
        Box::new(
            move |picture| {
                if adaptive { contrast_adaptive(picture, amount) } else { unsharp(picture, deviation, strength) }
            },
        )
    })
}

fn unsharp(picture: &mut Canvas, deviation: f32, strength: f32) {
    let size = (picture.width(), picture.height());
    for at in 0..3 {
        let sharp = channel(picture, at);
        let mut soft = sharp.clone();
        gaussian(&mut soft, size, deviation);
        let values: Vec<f32> = sharp.iter().zip(&soft).map(|(sharp, soft)| sharp + (sharp - soft) * strength).collect();
        put(picture, at, &values);
    }
}

/// Contrast adaptive sharpening: the less, the more contrast there is already, so that nothing overshoots.
fn contrast_adaptive(picture: &mut Canvas, amount: f32) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    for at in 0..3 {
        let values = channel(picture, at);
        let value = |x: usize, y: usize| values[y * width + x] / 255.0;
        let sharpened: Vec<f32> = (0..width * height)
            .map(|at| {
                let (x, y) = (at % width, at / width);
                let around = [
                    value(x.saturating_sub(1), y),
                    value((x + 1).min(width - 1), y),
                    value(x, y.saturating_sub(1)),
                    value(x, (y + 1).min(height - 1)),
                ];
                let own = value(x, y);
                let least = around.iter().fold(own, |least, value| least.min(*value));
                let most = around.iter().fold(own, |most, value| most.max(*value));
                let room = (least.min(1.0 - most) / most.max(1e-6)).clamp(0.0, 1.0).sqrt();
                let weight = -room / super::mix(8.0, 5.0, amount);
                let sum: f32 = around.iter().sum();
                (own + sum * weight) / (1.0 + 4.0 * weight) * 255.0
            })
            .collect();
        put(picture, at, &sharpened);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Canvas {
        Canvas::new(16, 8, [[60, 60, 60, 255].repeat(8), [190, 190, 190, 255].repeat(8)].concat().repeat(8)).unwrap()
    }

    fn row(picture: &Canvas) -> Vec<u8> {
        (0..16).map(|x| picture.pixel(x, 4)[0]).collect()
    }

    #[test]
    fn a_painter_s_blur_keeps_edges_and_a_bell_does_not() {
        let (mut hard, mut soft) = (step(), step());
        kuwahara(&mut hard, 3);
        soften(&mut soft, 2.0);
        assert_eq!(row(&hard), row(&step()));
        assert!(row(&soft)[7] > 90 && row(&soft)[8] < 160, "{:?}", row(&soft));
    }

    #[test]
    fn sharpening_raises_the_contrast_of_an_edge_and_of_nothing_else() {
        let mut soft = step();
        soften(&mut soft, 2.0);
        let ways: [fn(&mut Canvas); 2] =
            [|picture| unsharp(picture, 2.0, 1.0), |picture| contrast_adaptive(picture, 1.0)];
        for sharpen in ways {
            let mut sharp = soft.clone();
            sharpen(&mut sharp);
            let (before, after) = (row(&soft), row(&sharp));
            assert!(after[10] - after[5] > before[10] - before[5], "{before:?} {after:?}");
            let mut plain = Canvas::filled(5, 5, [90, 90, 90, 255]);
            sharpen(&mut plain);
            assert!(plain.pixels().chunks_exact(4).all(|pixel| pixel[0].abs_diff(90) <= 1));
        }
    }
}
