//! From one sampling rate to another, with a windowed sinc filter.

use rayon::prelude::*;

/// Zero crossings of the filter on either side.
const CROSSINGS: f64 = 24.0;
/// The filter ends a little below half the lower rate, so that nothing folds back.
const ROLL_OFF: f64 = 0.95;
/// Output samples in one thread's piece.
const PIECE: usize = 16 * 1024;

/// Input samples that are kept until a piece of work is worth its threads.
const WAITING: usize = 1 << 18;

/// Takes sound as it comes, and holds what it became and little more.
///
/// Rates as sound cards have them share a large factor, so few different filters are needed; they are kept in a
/// table. Odd rates would make it large: then each sample's filter is made for it.
pub struct Resampler {
    /// So many output samples take as long as `down` of the input.
    up: u64,
    down: u64,
    filter: Filter,
    table: Option<Vec<Vec<f32>>>,
    /// The input from the sample of this number on.
    input: Vec<f32>,
    first: usize,
    out: Vec<f32>,
}

impl Resampler {
    pub fn new(from: u32, to: u32) -> Self {
        let common = gcd(from, to).max(1);
        let (up, down) = (u64::from(to / common), u64::from(from / common));
        let filter = Filter::new(from.max(1), to.max(1));
        let table = (up <= 2048).then(|| (0..up).map(|phase| filter.taps(phase as f64 / up as f64)).collect());
        Self { up, down, filter, table, input: Vec::new(), first: 0, out: Vec::new() }
    }

    pub fn push(&mut self, samples: &[f32]) {
        if self.up == self.down {
            return self.out.extend_from_slice(samples);
        }
        self.input.extend_from_slice(samples);
        if self.input.len() >= WAITING + 2 * self.filter.reach {
            // All places whose filter ends within what is there.
            let whole = (self.first + self.input.len() - self.filter.reach) as u64;
            self.work((whole * self.up).div_ceil(self.down) as usize);
            let done = (self.out.len() as u64 * self.down / self.up) as usize;
            let kept = (done + 1).saturating_sub(self.filter.reach).max(self.first);
            self.input.drain(..kept - self.first);
            self.first = kept;
        }
    }

    /// All of it; behind its end is silence.
    pub fn finish(mut self) -> Vec<f32> {
        let count = ((self.first + self.input.len()) as u64 * self.up).div_ceil(self.down) as usize;
        if self.up != self.down {
            self.work(count);
        }
        self.out
    }

    /// Makes the output up to its sample of this number.
    fn work(&mut self, count: usize) {
        let Self { up, down, filter, table, input, first, out } = self;
        let begun = out.len();
        out.resize(count.max(begun), 0.0);
        out[begun..].par_chunks_mut(PIECE).enumerate().for_each(|(piece, out)| {
            for (n, out) in out.iter_mut().enumerate() {
                let place = (begun + piece * PIECE + n) as u64 * *down;
                let (whole, phase) = ((place / *up) as usize, place % *up);
                let at = whole as isize - *first as isize;
                *out = match &*table {
                    Some(table) => filter.apply(input, at, &table[phase as usize]),
                    None => filter.apply(input, at, &filter.taps(phase as f64 / *up as f64)),
                };
            }
        });
    }
}

struct Filter {
    /// Share of the input's band that is kept.
    cutoff: f64,
    reach: usize,
}

impl Filter {
    fn new(from: u32, to: u32) -> Self {
        let cutoff = ROLL_OFF * (f64::from(to) / f64::from(from)).min(1.0);
        Self { cutoff, reach: (CROSSINGS / cutoff).ceil() as usize }
    }

    /// For a place `fraction` of a sample behind a sample.
    fn taps(&self, fraction: f64) -> Vec<f32> {
        let reach = self.reach as f64;
        let at = |n: usize| n as f64 - (reach - 1.0) - fraction;
        let taps: Vec<f64> = (0..2 * self.reach).map(|n| sinc(at(n) * self.cutoff) * window(at(n) / reach)).collect();
        // A constant must stay what it is.
        let sum: f64 = taps.iter().sum();
        taps.iter().map(|tap| (tap / sum) as f32).collect()
    }

    fn apply(&self, samples: &[f32], whole: isize, taps: &[f32]) -> f32 {
        let first = whole - (self.reach as isize - 1);
        let skip = usize::try_from(-first).unwrap_or(0).min(taps.len());
        let start = usize::try_from(first).unwrap_or(0).min(samples.len());
        samples[start..].iter().zip(&taps[skip..]).map(|(sample, tap)| sample * tap).sum()
    }
}

fn sinc(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle }
}

/// Blackman's, zero at -1 and 1.
fn window(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return 0.0;
    }
    let angle = std::f64::consts::PI * (x + 1.0);
    0.42 - 0.5 * angle.cos() + 0.08 * (2.0 * angle).cos()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resample(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to);
        resampler.push(samples);
        resampler.finish()
    }

    fn tone(hertz: f64, rate: u32, count: usize) -> Vec<f32> {
        (0..count).map(|n| (std::f64::consts::TAU * hertz * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn a_tone_stays_the_tone_at_another_rate() {
        for (from, to) in [(44_100, 16_000), (8000, 16_000), (48_000, 16_000), (22_050, 16_000), (15_999, 16_000)] {
            let found = resample(&tone(440.0, from, from as usize / 4), from, to);
            let expected = tone(440.0, to, found.len());
            let middle = found.len() / 8..found.len() * 7 / 8;
            let worst = middle.map(|n| (found[n] - expected[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-3, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let found = resample(&tone(11_000.0, 44_100, 44_100), 44_100, 16_000);
        assert!(found[2000..14_000].iter().all(|sample| sample.abs() < 1e-3));
    }

    #[test]
    fn sound_that_comes_in_parts_is_the_sound_that_comes_whole() {
        for (from, to) in [(44_100, 16_000), (8000, 16_000), (15_999, 16_000), (16_000, 16_000)] {
            let all = tone(440.0, from, 2 * WAITING + 12_345);
            let mut resampler = Resampler::new(from, to);
            for part in all.chunks(1152) {
                resampler.push(part);
                assert!(resampler.input.len() < WAITING + 2 * resampler.filter.reach + 1152);
            }
            assert_eq!(resampler.finish(), direct(&all, from, to), "{from} to {to}");
        }
    }

    /// As one piece, however long it is.
    fn direct(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to);
        resampler.input = samples.to_vec();
        let resampler = if from == to { Resampler { out: samples.to_vec(), ..resampler } } else { resampler };
        resampler.finish()
    }

    #[test]
    fn lengths_follow_the_rates() {
        assert_eq!(resample(&[0.5; 3], 48_000, 16_000).len(), 1);
        assert_eq!(resample(&[0.5; 441], 44_100, 16_000).len(), 160);
        assert!(resample(&[], 8000, 16_000).is_empty());
    }
}
