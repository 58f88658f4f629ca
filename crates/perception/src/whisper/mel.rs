//! The picture of a sound that the network looks at: the logarithm of its energy by pitch (mel) and time.

use candle_core::{Device, Result, Tensor};
use tintype_kernels::linear;

pub const RATE: u32 = 16_000;
/// Samples from one frame to the next.
pub const HOP: usize = 160;
/// Samples in a frame.
const WINDOW: usize = 400;
const BINS: usize = WINDOW / 2 + 1;
/// Frames that are made at a time.
const PIECE: usize = 3000;

/// Frames of `mels` values, one after the other.
pub struct Mel {
    pub mels: usize,
    pub frames: usize,
    values: Vec<f32>,
}

impl Mel {
    /// The frames from `first` on as (mels, 1, count); what is missing behind the end is zero, as in training.
    pub fn window(&self, first: usize, count: usize) -> Result<Tensor> {
        let there = count.min(self.frames.saturating_sub(first));
        let values = self.values[first * self.mels..][..there * self.mels].to_vec();
        let found = Tensor::from_vec(values, (there, self.mels), &Device::Cpu)?;
        let whole = if there < count { found.pad_with_zeros(0, 0, count - there)? } else { found };
        whole.t()?.contiguous()?.unsqueeze(1)
    }
}

/// Transforms sound at `RATE` into `mels` bands.
pub struct Transform {
    mels: usize,
    /// (2 * bins, window): cosines, then sines, the window folded in.
    waves: Tensor,
    none: Tensor,
    /// By band, (bin, weight).
    bands: Vec<Vec<(usize, f32)>>,
}

impl Transform {
    pub fn new(mels: usize) -> Result<Self> {
        let mut waves = Vec::with_capacity(2 * BINS * WINDOW);
        for wave in [f64::cos, f64::sin] {
            for bin in 0..BINS {
                let angle = |n: usize| std::f64::consts::TAU * (bin * n % WINDOW) as f64 / WINDOW as f64;
                waves.extend((0..WINDOW).map(|n| (wave(angle(n)) * hann(n)) as f32));
            }
        }
        let waves = Tensor::from_vec(waves, (2 * BINS, WINDOW), &Device::Cpu)?.t()?.contiguous()?.t()?;
        let none = Tensor::zeros(2 * BINS, candle_core::DType::F32, &Device::Cpu)?;
        Ok(Self { mels, waves, none, bands: bands(mels) })
    }

    /// One frame for each hop that the sound fills, and at least one.
    pub fn apply(&self, samples: &[f32]) -> Result<Mel> {
        let frames = (samples.len() / HOP).max(1);
        let last = samples.len().max(HOP) - 1;
        let mut values = Vec::with_capacity(frames * self.mels);
        for first in (0..frames).step_by(PIECE) {
            let count = PIECE.min(frames - first);
            let rows = (first..first + count).flat_map(|frame| windowed(samples, last, frame)).collect();
            let rows: Tensor = Tensor::from_vec::<_, f32>(rows, (count, WINDOW), &Device::Cpu)?;
            let spectrum = linear(&rows, &self.waves, &self.none)?.flatten_all()?.to_vec1::<f32>()?;
            for frame in spectrum.chunks_exact(2 * BINS) {
                let power = |bin: usize| frame[bin] * frame[bin] + frame[BINS + bin] * frame[BINS + bin];
                let band =
                    |band: &Vec<(usize, f32)>| band.iter().map(|(bin, weight)| power(*bin) * weight).sum::<f32>();
                values.extend(self.bands.iter().map(|b| band(b).max(1e-10).log10()));
            }
        }
        let floor = values.iter().fold(f32::MIN, |a, &b| a.max(b)) - 8.0;
        for value in &mut values {
            *value = (value.max(floor) + 4.0) / 4.0;
        }
        Ok(Mel { mels: self.mels, frames, values })
    }
}

fn hann(n: usize) -> f64 {
    0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / WINDOW as f64).cos()
}

/// The samples under a frame, whose middle is where its hop begins: mirrored at either end, and silence up to `last`.
fn windowed(samples: &[f32], last: usize, frame: usize) -> impl Iterator<Item = f32> {
    let (begin, last) = ((frame * HOP) as isize - (WINDOW / 2) as isize, last as isize);
    (begin..begin + WINDOW as isize).map(move |place| {
        let mirrored = if place > last { 2 * last - place } else { place.abs() };
        samples.get(mirrored.clamp(0, last) as usize).copied().unwrap_or(0.0)
    })
}

/// Triangles of equal area (Slaney's scale: linear up to 1 kHz, then logarithmic), up to 8 kHz.
fn bands(mels: usize) -> Vec<Vec<(usize, f32)>> {
    const LINEAR: f64 = 200.0 / 3.0;
    let (knee, step) = (1000.0 / LINEAR, 6.4_f64.ln() / 27.0);
    let top = knee + (8000.0_f64 / 1000.0).ln() / step;
    let hertz = |mel: f64| if mel < knee { LINEAR * mel } else { 1000.0 * ((mel - knee) * step).exp() };
    let corners: Vec<f64> = (0..mels + 2).map(|n| hertz(top * n as f64 / (mels + 1) as f64)).collect();
    let band = |corner: &[f64]| {
        let (low, middle, high) = (corner[0], corner[1], corner[2]);
        let weight = |bin: usize| {
            let at = f64::from(RATE) / 2.0 * bin as f64 / (BINS - 1) as f64;
            let slope = ((at - low) / (middle - low)).min((high - at) / (high - middle));
            (bin, (slope.max(0.0) * 2.0 / (high - low)) as f32)
        };
        (0..BINS).map(weight).filter(|(_, weight)| *weight > 0.0).collect()
    };
    corners.windows(3).map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_behind_the_end_is_filled_up() {
        let mel = Transform::new(8).unwrap().apply(&[0.1; 1600]).unwrap();
        assert_eq!(mel.frames, 10);
        let window = mel.window(6, 10).unwrap();
        assert_eq!(window.dims(), [8, 1, 10]);
        let last = window.narrow(2, 4, 6).unwrap().abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(last.abs() < f32::EPSILON);
    }

    #[test]
    fn a_sound_shorter_than_a_frame_is_a_frame() {
        for count in [0, 1, 100, 399] {
            assert!(Transform::new(8).unwrap().apply(&vec![0.5; count]).unwrap().frames >= 1);
        }
    }

    #[test]
    fn a_tone_is_loudest_in_its_own_band() {
        let tone: Vec<f32> =
            (0..16_000).map(|n| (std::f32::consts::TAU * 1000.0 * n as f32 / 16_000.0).sin()).collect();
        let mel = Transform::new(80).unwrap().apply(&tone).unwrap();
        let frame = &mel.values[50 * 80..][..80];
        let loudest = (0..80).max_by(|a, b| frame[*a].total_cmp(&frame[*b])).unwrap();
        let bands = bands(80);
        assert!(bands[loudest].iter().any(|(bin, _)| *bin == 25), "{loudest}");
    }
}
