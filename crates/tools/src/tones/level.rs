//! How loud sounds are: all alike, whatever they are made of, unless somebody says otherwise.

use super::signals::samples;

/// The root mean square of the loudest moment of a sound, where 1 is full.
pub(super) const LOUDNESS: f32 = 0.22;
/// About as long as the ear takes to judge, in seconds.
const MOMENT: f64 = 0.2;
/// Peaks of what is short or rough would be beyond what a file can hold. Up to the knee nothing is bent.
const KNEE: f32 = 0.5;
const MOST: f32 = 0.95;

/// The root mean square of the loudest moment; of a shorter sound, that of all of it.
pub(super) fn loudest(sound: &[f32]) -> f32 {
    let moment = samples(MOMENT).min(sound.len());
    let square = |sample: &f32| f64::from(*sample).powi(2);
    let mut sum: f64 = sound[..moment].iter().map(square).sum();
    let mut most = sum;
    for (gone, come) in sound.iter().zip(&sound[moment..]) {
        sum += square(come) - square(gone);
        most = most.max(sum);
    }
    (most / moment.max(1) as f64).sqrt() as f32
}

/// As loud as every sound is, times `loudness`.
pub(super) fn levelled(mut sound: Vec<f32>, loudness: f32) -> Vec<f32> {
    let found = loudest(&sound);
    let gain = if found > 0.0 { LOUDNESS * loudness / found } else { 0.0 };
    for sample in &mut sound {
        *sample = bent(*sample * gain);
    }
    sound
}

fn bent(sample: f32) -> f32 {
    let (size, room) = (sample.abs(), MOST - KNEE);
    if size <= KNEE { sample } else { (KNEE + room * ((size - KNEE) / room).tanh()).copysign(sample) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_as_loud_as_its_loudest_moment() {
        let half = [vec![0.0; samples(1.0)], vec![0.5; samples(0.2)], vec![0.1; samples(1.0)]].concat();
        assert!((loudest(&half) - 0.5).abs() < 1e-4);
        assert!((loudest(&[0.5; 10]) - 0.5).abs() < 1e-6 && loudest(&[]) == 0.0);
        assert!((loudest(&levelled(half, 0.5)) - LOUDNESS / 2.0).abs() < 1e-4);
    }

    #[test]
    fn peaks_bend_and_nothing_is_beyond_full() {
        assert!((bent(0.3) - 0.3).abs() + (bent(-0.5) + 0.5).abs() < 1e-6);
        assert!(bent(0.9) > bent(0.8) && bent(-40.0) >= -MOST);
    }
}
