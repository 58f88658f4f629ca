//! What sounds are made of: waves, noise, filters, envelopes and the plucked string.

use std::f32::consts::TAU;

use tintype_engine::normal;

use super::RATE;

pub(super) fn samples(seconds: f64) -> usize {
    (seconds * f64::from(RATE)).round() as usize
}

fn time(at: usize) -> f32 {
    at as f32 / RATE as f32
}

/// Adds `sound` to `mix` from a place on; what would lie beyond the end is left out.
pub(super) fn add(mix: &mut [f32], sound: &[f32], from: usize) {
    let rest = mix.get_mut(from..).unwrap_or_default();
    for (mixed, sample) in rest.iter_mut().zip(sound) {
        *mixed += sample;
    }
}

/// As whole numbers of 16 bits. Louder than full is turned down as a whole, so that nothing is cut off.
pub(super) fn whole(mix: &[f32]) -> impl ExactSizeIterator<Item = i16> {
    let loudest = mix.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
    let gain = if loudest > 0.95 { 0.95 / loudest } else { 1.0 };
    mix.iter().map(move |sample| (sample * gain * 32_767.0).round() as i16)
}

/// A sine whose frequency may change: `frequency` in hertz at each second.
pub(super) fn sine(count: usize, frequency: impl Fn(f32) -> f32) -> Vec<f32> {
    let mut phase = 0.0_f32;
    let step = |at: usize| {
        phase = (phase + frequency(time(at)) / RATE as f32).fract();
        (TAU * phase).sin()
    };
    (0..count).map(step).collect()
}

/// White noise of a seed.
pub(super) fn noise(count: usize, seed: u64) -> Vec<f32> {
    // The generator draws no fewer than 16.
    let mut values = normal(seed, count.max(16));
    values.truncate(count);
    for value in &mut values {
        *value *= 0.3;
    }
    values
}

/// Multiplies with what is said of each second.
pub(super) fn shaped(mut sound: Vec<f32>, level: impl Fn(f32) -> f32) -> Vec<f32> {
    for (at, sample) in sound.iter_mut().enumerate() {
        *sample *= level(time(at));
    }
    sound
}

/// Falls to a thousandth in `seconds`.
pub(super) fn decay(seconds: f32) -> impl Fn(f32) -> f32 {
    move |at| (-6.907_755 * at / seconds).exp()
}

/// A low-pass of one pole whose corner, in hertz, may change.
pub(super) fn low(mut sound: Vec<f32>, corner: impl Fn(f32) -> f32) -> Vec<f32> {
    let mut held = 0.0;
    for (at, sample) in sound.iter_mut().enumerate() {
        held += (1.0 - (-TAU * corner(time(at)) / RATE as f32).exp()) * (*sample - held);
        *sample = held;
    }
    sound
}

/// What the low-pass takes away.
pub(super) fn high(mut sound: Vec<f32>, corner: f32) -> Vec<f32> {
    let kept = low(sound.clone(), |_| corner);
    for (sample, kept) in sound.iter_mut().zip(kept) {
        *sample -= kept;
    }
    sound
}

/// Sums voices of different strengths; all are equally long.
pub(super) fn together(voices: impl IntoIterator<Item = (f32, Vec<f32>)>) -> Vec<f32> {
    let mut mix = Vec::new();
    for (strength, voice) in voices {
        mix.resize(voice.len().max(mix.len()), 0.0);
        add(&mut mix, &voice.iter().map(|sample| sample * strength).collect::<Vec<_>>(), 0);
    }
    mix
}

/// A plucked string: Karplus and Strong, "Digital Synthesis of Plucked-String and Drum Timbres", 1983. Noise goes round
/// in a loop as long as the period, and each round averages neighbours. The loop is tuned by an all-pass.
pub(super) fn pluck(count: usize, frequency: f32, seed: u64) -> Vec<f32> {
    // The average delays by half a sample, the all-pass by the rest.
    let period = RATE as f32 / frequency - 0.5;
    let whole = (period - 0.3).floor().max(2.0);
    let rest = period - whole;
    let coefficient = (1.0 - rest) / (1.0 + rest);
    let mut string = noise(whole as usize, seed);
    let (mut last, mut through_in, mut through_out) = (0.0_f32, 0.0_f32, 0.0_f32);
    let length = string.len();
    let step = |at: usize| {
        let place = at % length;
        let average = 0.498 * (string[place] + last);
        last = string[place];
        through_out = coefficient * (average - through_out) + through_in;
        through_in = average;
        std::mem::replace(&mut string[place], through_out)
    };
    (0..count).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frequency at which the sound agrees best with itself one period later.
    fn pitch(sound: &[f32], about: f32) -> f32 {
        let part = &sound[samples(0.2)..samples(0.7)];
        let agreement = |lag: usize| -> f32 {
            let count = part.len() - lag;
            part[..count].iter().zip(&part[lag..]).map(|(a, b)| a * b).sum::<f32>() / count as f32
        };
        let middle = (RATE as f32 / about) as usize;
        let best = (middle * 9 / 10..middle * 11 / 10).max_by(|a, b| agreement(*a).total_cmp(&agreement(*b))).unwrap();
        // The top of the parabola through the best lag and its neighbours.
        let (left, top, right) = (agreement(best - 1), agreement(best), agreement(best + 1));
        RATE as f32 / (best as f32 + 0.5 * (left - right) / (left - 2.0 * top + right))
    }

    #[test]
    fn a_plucked_string_sounds_at_its_pitch() {
        for frequency in [110.0, 261.63, 440.0, 659.26] {
            let found = pitch(&pluck(samples(1.0), frequency, 3), frequency);
            // Five cents, which nobody hears.
            assert!((found / frequency - 1.0).abs() < 0.003, "{frequency} Hz sounds at {found}");
        }
    }

    #[test]
    fn filters_part_low_from_high() {
        let power = |sound: &[f32]| sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32;
        let bass = sine(samples(0.5), |_| 80.0);
        let treble = sine(samples(0.5), |_| 8000.0);
        assert!(power(&low(bass.clone(), |_| 800.0)) > 0.45 && power(&low(treble.clone(), |_| 800.0)) < 0.01);
        assert!(power(&high(bass, 800.0)) < 0.01 && power(&high(treble, 800.0)) > 0.4);
    }

    #[test]
    fn a_seed_makes_the_same_noise() {
        assert_eq!(noise(5, 7), noise(5, 7));
        assert_ne!(noise(50, 7), noise(50, 8));
        assert!(noise(0, 1).is_empty());
    }
}
