//! The sounds that are known, and how each is made.

use std::f32::consts::TAU;

use super::{
    level::levelled,
    read::Sound,
    signals::{decay, high, low, noise, pluck, samples, shaped, sine, together},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Beep,
    Bell,
    Chime,
    Click,
    Kick,
    Snare,
    Hat,
    Laser,
    Siren,
    Alarm,
    Whistle,
    Drop,
    Hum,
    Noise,
    Wind,
    Rain,
    Waves,
    Thunder,
    /// A plucked string at so many hertz.
    Note(f32),
    Silence,
}

/// Names and what they mean, with the seconds that each lasts if nobody says otherwise.
const WORDS: [(&str, Kind, f64); 34] = [
    ("beep", Kind::Beep, 0.3),
    ("bell", Kind::Bell, 2.5),
    ("gong", Kind::Bell, 4.0),
    ("chime", Kind::Chime, 1.8),
    ("click", Kind::Click, 0.06),
    ("tick", Kind::Click, 0.06),
    ("kick", Kind::Kick, 0.4),
    ("drum", Kind::Kick, 0.4),
    ("snare", Kind::Snare, 0.3),
    ("clap", Kind::Snare, 0.3),
    ("hat", Kind::Hat, 0.15),
    ("cymbal", Kind::Hat, 1.2),
    ("laser", Kind::Laser, 0.4),
    ("zap", Kind::Laser, 0.4),
    ("siren", Kind::Siren, 3.0),
    ("alarm", Kind::Alarm, 2.0),
    ("whistle", Kind::Whistle, 0.8),
    ("drop", Kind::Drop, 0.3),
    ("drip", Kind::Drop, 0.3),
    ("hum", Kind::Hum, 2.0),
    ("drone", Kind::Hum, 4.0),
    ("noise", Kind::Noise, 2.0),
    ("static", Kind::Noise, 2.0),
    ("wind", Kind::Wind, 4.0),
    ("rain", Kind::Rain, 4.0),
    ("wave", Kind::Waves, 6.0),
    ("ocean", Kind::Waves, 8.0),
    ("sea", Kind::Waves, 8.0),
    ("thunder", Kind::Thunder, 4.0),
    ("explosion", Kind::Thunder, 2.5),
    ("boom", Kind::Thunder, 2.0),
    ("silence", Kind::Silence, 0.5),
    ("pause", Kind::Silence, 0.5),
    ("rest", Kind::Silence, 0.5),
];
const NOTE_SECONDS: f64 = 0.5;

pub(super) fn words() -> Vec<&'static str> {
    WORDS.iter().map(|(word, _, _)| *word).collect()
}

/// A sound by its name, in the singular or the plural, or a note such as `c4`, `f#3` or `bb2`; and its usual length.
pub(super) fn of_word(word: &str) -> Option<(Kind, f64)> {
    let known = |word: &str| WORDS.iter().find(|(name, _, _)| *name == word).map(|(_, kind, secs)| (*kind, *secs));
    let plural = || known(word.strip_suffix('s')?);
    let longer = || known(word.strip_suffix("es")?);
    known(word).or_else(plural).or_else(longer).or_else(|| Some((Kind::Note(pitch(word)?), NOTE_SECONDS)))
}

/// In equal temperament, with `a4` at 440 Hz.
fn pitch(word: &str) -> Option<f32> {
    let mut letters = word.chars();
    let step = match letters.next()? {
        'c' => 0,
        'd' => 2,
        'e' => 4,
        'f' => 5,
        'g' => 7,
        'a' => 9,
        'b' => 11,
        _ => return None,
    };
    let rest = letters.as_str();
    let (shift, octave) = match rest.strip_prefix('#') {
        Some(octave) => (1, octave),
        None => rest.strip_prefix('b').map_or((0, rest), |octave| (-1, octave)),
    };
    let octave: i32 = octave.parse().ok().filter(|octave| (1..=7).contains(octave))?;
    let from_a4 = (octave - 4) * 12 + step + shift - 9;
    Some(440.0 * 2.0_f32.powf(from_a4 as f32 / 12.0))
}

impl Kind {
    pub fn name(self) -> String {
        let named = WORDS.iter().find(|(_, kind, _)| *kind == self);
        named.map_or_else(|| "note".to_owned(), |(name, _, _)| (*name).to_owned())
    }
}

/// `pitch` multiplies every frequency.
pub(super) fn make(sound: &Sound, seed: u64) -> Vec<f32> {
    let (count, length, pitch) = (samples(sound.seconds), sound.seconds as f32, sound.pitch);
    let tone = |frequency: f32| sine(count, move |_| frequency * pitch);
    let hiss = || noise(count, seed);
    let bell = |partials: &[(f32, f32, f32)], base: f32| {
        let voice =
            |(ratio, strength, life): &(f32, f32, f32)| (*strength, shaped(tone(base * ratio), decay(length * life)));
        together(partials.iter().map(voice))
    };
    let made = match sound.kind {
        Kind::Silence => vec![0.0; count],
        Kind::Beep => tone(880.0),
        // Partials of a church bell: hum, prime, tierce, quint, nominal and above.
        Kind::Bell => bell(
            &[
                (0.5, 0.3, 1.0),
                (1.0, 0.3, 0.9),
                (1.2, 0.25, 0.65),
                (1.5, 0.15, 0.5),
                (2.0, 0.3, 0.45),
                (3.0, 0.1, 0.25),
            ],
            330.0,
        ),
        // Modes of a free bar.
        Kind::Chime => bell(&[(1.0, 0.5, 1.0), (2.756, 0.25, 0.5), (5.404, 0.12, 0.25)], 1047.0),
        Kind::Click => shaped(high(hiss(), 1500.0), decay(0.02)),
        Kind::Kick => shaped(sine(count, move |at| pitch * (45.0 + 110.0 * (-at * 30.0).exp())), decay(length)),
        Kind::Snare => together([
            (0.8, shaped(high(hiss(), 1000.0), decay(length))),
            (0.5, shaped(tone(185.0), decay(length * 0.5))),
        ]),
        Kind::Hat => shaped(high(hiss(), 7000.0), decay(length)),
        Kind::Laser => shaped(sine(count, move |at| pitch * 2400.0 * (-at / length * 2.5).exp()), decay(length * 1.5)),
        Kind::Siren => sine(count, move |at| pitch * (850.0 - 350.0 * (TAU * at / 1.5).cos())),
        Kind::Alarm => sine(count, move |at| if at % 0.5 < 0.25 { pitch * 960.0 } else { pitch * 770.0 }),
        Kind::Whistle => together([
            (0.9, sine(count, move |at| pitch * (1900.0 + 25.0 * (TAU * 6.0 * at).sin()))),
            (0.1, high(hiss(), 3000.0)),
        ]),
        Kind::Drop => shaped(sine(count, move |at| pitch * (500.0 + 900.0 * at / length)), decay(length)),
        Kind::Hum => together([(0.5, tone(60.0)), (0.3, tone(120.0)), (0.15, tone(180.0)), (0.1, tone(240.0))]),
        Kind::Noise => hiss(),
        Kind::Wind => {
            let gusts =
                move |at: f32| pitch * (420.0 + 240.0 * (TAU * at / 3.1).sin() + 110.0 * (TAU * at / 1.3).sin());
            shaped(low(low(hiss(), gusts), gusts), |at| 2.5 + (TAU * at / 2.7).sin())
        }
        Kind::Rain => together([(0.5, high(hiss(), 1200.0)), (0.5, drops(count, seed))]),
        Kind::Waves => shaped(low(hiss(), |_| 700.0 * pitch), |at| 1.2 - (TAU * at / 6.0).cos()),
        Kind::Thunder => {
            let crack = shaped(hiss(), decay(0.25));
            let roll = low(low(hiss(), |_| 110.0 * pitch), |_| 160.0 * pitch);
            together([(0.6, crack), (9.0, shaped(roll, decay(length)))])
        }
        Kind::Note(frequency) => pluck(count, (frequency * pitch).clamp(30.0, 4000.0), seed),
    };
    faded(made, sound.loudness)
}

/// Single drops: the few loudest moments of a noise, each ringing shortly.
fn drops(count: usize, seed: u64) -> Vec<f32> {
    let hits = noise(count, seed ^ 0x5eed).into_iter().map(|sample| if sample > 1.02 { sample } else { 0.0 });
    low(high(hits.map(|hit| hit * 6.0).collect(), 2000.0), |_| 6000.0)
}

/// Begins and ends without a click, at its loudness.
fn faded(mut sound: Vec<f32>, loudness: f32) -> Vec<f32> {
    let edge = samples(0.004).min(sound.len() / 2);
    let last = sound.len();
    for at in 0..edge {
        let level = at as f32 / edge as f32;
        // The beginning of what is struck is part of its sound.
        sound[last - 1 - at] *= level;
    }
    levelled(sound, loudness)
}

#[cfg(test)]
mod tests {
    use super::{
        super::level::{LOUDNESS, loudest},
        *,
    };

    #[test]
    fn every_sound_is_as_loud_as_the_others_and_ends() {
        for (word, kind, seconds) in WORDS {
            let sound = Sound { kind, seconds, pitch: 1.0, loudness: 1.0, at: 0.0 };
            let made = make(&sound, 1);
            assert_eq!(made.len(), samples(seconds), "{word}");
            assert!(made.iter().all(|sample| sample.abs() <= 1.0), "{word}");
            // Within three decibels: what is very short would be beyond full.
            let loudness = loudest(&made) / LOUDNESS;
            assert!(kind == Kind::Silence || (0.7..1.01).contains(&loudness), "{word}: {loudness}");
        }
    }

    #[test]
    fn loud_is_louder_and_quiet_is_quieter() {
        for kind in [Kind::Beep, Kind::Thunder, Kind::Rain, Kind::Note(440.0)] {
            let level = |loudness: f32| loudest(&make(&Sound { kind, seconds: 2.0, pitch: 1.0, loudness, at: 0.0 }, 1));
            assert!(level(1.3) > 1.15 * level(1.0) && level(0.3) < 0.35 * level(1.0), "{kind:?}");
        }
    }

    #[test]
    fn notes_have_the_frequencies_of_equal_temperament() {
        for (word, expected) in [("a4", 440.0), ("c4", 261.63), ("f#3", 185.0), ("bb2", 116.54), ("b3", 246.94)] {
            let found = pitch(word).unwrap();
            assert!((found - expected).abs() < 0.01, "{word}: {found}");
        }
        for word in ["h4", "c", "c9", "c0", "bee", "a44", ""] {
            assert_eq!(pitch(word), None, "{word}");
        }
    }
}
