//! Separable resampling.
//!
//! Samples are taken as they are stored, without going to linear light and back: that is what the models were
//! trained with, and what viewers expect of an enlarged picture.

use std::f32::consts::PI;

/// Lobes of the filter on either side.
const LOBES: f32 = 3.0;

/// How samples become more or fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// The nearest sample alone: hard edges stay hard.
    Nearest,
    Bilinear,
    Bicubic,
    #[default]
    Lanczos,
}

/// Which input samples make one output sample, and how much of each.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Scales `from` (width, height) samples of `CHANNELS` interleaved channels to `to`, with a Lanczos filter.
pub(crate) fn resize<const CHANNELS: usize>(samples: &[u8], from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    resize_by::<CHANNELS>(samples, from, to, Filter::Lanczos)
}

pub(crate) fn resize_by<const CHANNELS: usize>(
    samples: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    filter: Filter,
) -> Vec<u8> {
    if from == to {
        return samples.to_vec();
    }
    let wide = widen::<CHANNELS>(samples, from.0 as usize, &taps(from.0, to.0, filter));
    heighten(&wide, to.0 as usize * CHANNELS, &taps(from.1, to.1, filter))
}

/// Every row to its new width.
fn widen<const CHANNELS: usize>(samples: &[u8], width: usize, columns: &[Taps]) -> Vec<f32> {
    let mut wide = Vec::with_capacity(samples.len() / width * columns.len());
    for row in samples.chunks_exact(width * CHANNELS) {
        for taps in columns {
            let mut sum = [0.0; CHANNELS];
            let pixels = row[taps.first * CHANNELS..].chunks_exact(CHANNELS);
            for (weight, pixel) in taps.weights.iter().zip(pixels) {
                for channel in 0..CHANNELS {
                    sum[channel] += weight * f32::from(pixel[channel]);
                }
            }
            wide.extend_from_slice(&sum);
        }
    }
    wide
}

/// Rows of `stride` samples to their new number.
fn heighten(wide: &[f32], stride: usize, rows: &[Taps]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stride * rows.len());
    let mut sum = vec![0.0_f32; stride];
    for taps in rows {
        sum.fill(0.0);
        for (weight, row) in taps.weights.iter().zip(wide[taps.first * stride..].chunks_exact(stride)) {
            for (total, sample) in sum.iter_mut().zip(row) {
                *total += weight * sample;
            }
        }
        // The filter overshoots at edges; the conversion clamps.
        out.extend(sum.iter().map(|total| (total + 0.5) as u8));
    }
    out
}

fn taps(from: u32, to: u32, filter: Filter) -> Vec<Taps> {
    let scale = f64::from(from) / f64::from(to);
    let centre = |index: u32| (f64::from(index) + 0.5) * scale;
    if filter == Filter::Nearest {
        let nearest = |index| Taps { first: (centre(index) as usize).min(from as usize - 1), weights: vec![1.0] };
        return (0..to).map(nearest).collect();
    }
    // When shrinking, the filter grows with the step, or fine detail would turn into false patterns.
    let stretch = scale.max(1.0) as f32;
    (0..to).map(|index| taps_at((centre(index) - 0.5) as f32, stretch, from, filter)).collect()
}

fn taps_at(centre: f32, stretch: f32, from: u32, filter: Filter) -> Taps {
    let reach = filter.reach() * stretch;
    let first = (centre - reach).ceil().max(0.0) as u32;
    let last = ((centre + reach).floor() as u32).min(from - 1);
    let mut weights: Vec<_> = (first..=last).map(|at| filter.weight((at as f32 - centre) / stretch)).collect();
    let total: f32 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    Taps { first: first as usize, weights }
}

impl Filter {
    /// How far from its middle a filter sees, in samples.
    fn reach(self) -> f32 {
        match self {
            Self::Nearest | Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => LOBES,
        }
    }

    fn weight(self, x: f32) -> f32 {
        match self {
            Self::Nearest | Self::Bilinear => (1.0 - x.abs()).max(0.0),
            Self::Bicubic => cubic(x.abs()),
            Self::Lanczos => lanczos(x),
        }
    }
}

/// Keys' cubic with a = -0.5.
fn cubic(x: f32) -> f32 {
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

fn lanczos(x: f32) -> f32 {
    if x.abs() < f32::EPSILON {
        return 1.0;
    }
    if x.abs() >= LOBES {
        return 0.0;
    }
    let angle = PI * x;
    LOBES * angle.sin() * (angle / LOBES).sin() / (angle * angle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_surface_stays_plain_in_every_size() {
        for to in [(1, 1), (3, 200), (64, 7), (640, 480)] {
            let scaled = resize::<3>(&[40, 90, 200].repeat(17 * 23), (17, 23), to);
            assert_eq!(scaled.len(), (to.0 * to.1 * 3) as usize);
            assert!(scaled.chunks(3).all(|pixel| pixel == [40, 90, 200]), "{to:?}");
        }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let samples: Vec<u8> = (0..=255).collect();
        assert_eq!(resize::<1>(&samples, (16, 16), (16, 16)), samples);
    }

    #[test]
    fn halving_a_fine_chequer_gives_grey_and_no_pattern() {
        let chequer: Vec<u8> = (0..64 * 64).map(|at| if (at % 64 + at / 64) % 2 == 0 { 255 } else { 0 }).collect();
        let half = resize::<1>(&chequer, (64, 64), (32, 32));
        let inner = (4..28).flat_map(|y| (4..28).map(move |x| y * 32 + x));
        assert!(inner.map(|at| half[at]).all(|value| (118..=137).contains(&value)));
    }

    #[test]
    fn a_ramp_keeps_its_direction_and_its_ends() {
        let ramp: Vec<u8> = (0..16).map(|x| x * 17).collect();
        let wide = resize::<1>(&ramp, (16, 1), (64, 1));
        assert!(wide[0] < 8 && wide[63] > 247);
        assert!(wide.windows(2).all(|pair| i32::from(pair[1]) + 3 >= i32::from(pair[0])));
    }

    proptest! {
        #[test]
        fn every_filter_takes_every_size(from in (1_u32..40, 1_u32..40), to in (1_u32..60, 1_u32..60), value: u8) {
            for filter in [Filter::Nearest, Filter::Bilinear, Filter::Bicubic] {
                let scaled = resize_by::<1>(&vec![value; (from.0 * from.1) as usize], from, to, filter);
                prop_assert_eq!(scaled, vec![value; (to.0 * to.1) as usize]);
            }
        }

        #[test]
        fn any_size_becomes_any_size(from in (1_u32..40, 1_u32..40), to in (1_u32..60, 1_u32..60), value: u8) {
            let samples = vec![value; (from.0 * from.1) as usize];
            let scaled = resize::<1>(&samples, from, to);
            prop_assert_eq!(scaled, vec![value; (to.0 * to.1) as usize]);
        }
    }
}
