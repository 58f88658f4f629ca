//! Reading a prompt: sounds with their properties, one after the other unless they are joined by "and" or "with".

use serde_json::{Value, json};

use super::sounds::{self, Kind};
use crate::numbers::number;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sound {
    pub kind: Kind,
    pub seconds: f64,
    /// Multiplies frequencies.
    pub pitch: f32,
    pub loudness: f32,
    /// When it begins.
    pub at: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Score {
    pub sounds: Vec<Sound>,
    /// Words that say nothing here.
    pub unknown: Vec<String>,
}

/// Between the repetitions of one sound.
const BREATH: f64 = 0.12;
/// Repetitions of one sound; the length of the whole is bounded too.
const MOST: usize = 200;
const GLUE: [&str; 13] =
    ["a", "an", "the", "of", "by", "followed", "sound", "sounds", "effect", "in", "plays", "play", "note"];
const SECONDS: [&str; 4] = ["second", "seconds", "sec", "secs"];

/// What was said of the sound that comes next.
struct Saying {
    count: usize,
    length: f64,
    /// Said in seconds.
    seconds: Option<f64>,
    pitch: f32,
    loudness: f32,
}

impl Default for Saying {
    fn default() -> Self {
        Self { count: 1, length: 1.0, seconds: None, pitch: 1.0, loudness: 1.0 }
    }
}

pub(super) fn read(prompt: &str) -> Score {
    let lower = prompt.to_lowercase();
    let words = lower.split(|letter: char| !(letter.is_alphanumeric() || letter == '#'));
    let mut score = Score::default();
    let mut saying = Saying::default();
    // Where the last group began and ended, and whether the next begins with it.
    let (mut begin, mut end, mut joined) = (0.0_f64, 0.0_f64, false);
    // "A beep for two seconds": what follows "for" is said of the sound before it.
    let mut of_last = false;
    for word in words.filter(|word| !word.is_empty()) {
        if GLUE.contains(&word) {
        } else if word == "for" {
            of_last = !score.sounds.is_empty();
        } else if SECONDS.contains(&word) {
            let seconds = std::mem::replace(&mut saying.count, 1) as f64;
            match score.sounds.last_mut().filter(|_| std::mem::take(&mut of_last)) {
                Some(last) => {
                    last.seconds = seconds;
                    end = end.max(last.at + seconds);
                }
                None => saying.seconds = Some(seconds),
            }
        } else if matches!(word, "and" | "with" | "over" | "while") {
            joined = !score.sounds.is_empty();
        } else if matches!(word, "then" | "after" | "next") {
            joined = false;
        } else if let Some((kind, usual)) = sounds::of_word(word) {
            let said = std::mem::take(&mut saying);
            let start = if std::mem::take(&mut joined) { begin } else { end };
            of_last = false;
            let seconds = said.seconds.unwrap_or(usual * said.length);
            let every = if matches!(kind, Kind::Note(_)) { seconds } else { seconds + BREATH };
            for number in 0..said.count.min(MOST) {
                let at = start + every * number as f64;
                score.sounds.push(Sound { kind, seconds, pitch: said.pitch, loudness: said.loudness, at });
            }
            begin = start;
            end = end.max(start + every * (said.count.min(MOST) - 1) as f64 + seconds);
        } else if !saying.take(word) {
            // A number before it was said of it.
            saying.count = 1;
            score.unknown.push(word.to_owned());
        }
    }
    score
}

impl Score {
    pub fn seconds(&self) -> f64 {
        self.sounds.iter().map(|sound| sound.at + sound.seconds).fold(0.0, f64::max)
    }
}

impl Sound {
    /// As the answer tells it.
    pub fn described(&self) -> Value {
        let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
        let mut told = json!({"sound": self.kind.name(), "start": rounded(self.at), "duration": rounded(self.seconds)});
        if let Kind::Note(frequency) = self.kind {
            told["frequency"] = rounded(f64::from(frequency * self.pitch)).into();
        }
        told
    }
}

impl Saying {
    fn take(&mut self, word: &str) -> bool {
        if let Some(count) = number(word) {
            self.count = count;
            return true;
        }
        match word {
            "high" => self.pitch = 2.0,
            "low" | "deep" => self.pitch = 0.5,
            "long" | "slow" => self.length = 2.0,
            "short" | "quick" | "fast" => self.length = 0.5,
            "loud" => self.loudness = 1.3,
            "quiet" | "soft" | "distant" => self.loudness = 0.3,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(prompt: &str) -> Vec<(Kind, f64)> {
        read(prompt).sounds.iter().map(|sound| (sound.kind, (sound.at * 100.0).round() / 100.0)).collect()
    }

    #[test]
    fn sounds_follow_one_another_unless_they_are_joined() {
        assert_eq!(
            times("two beeps, then a bell with rain"),
            [(Kind::Beep, 0.0), (Kind::Beep, 0.42), (Kind::Bell, 0.72), (Kind::Rain, 0.72)]
        );
        let notes = times("c4 e4 g4");
        assert_eq!(notes.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0.0, 0.5, 1.0]);
        assert!(times("c4 and e4 and g4").iter().all(|(_, at)| *at == 0.0));
    }

    #[test]
    fn properties_hold_for_the_sound_that_comes_next_alone() {
        let score = read("a long low quiet hum then a beep");
        let [hum, beep] = &score.sounds[..] else { panic!("{score:?}") };
        assert_eq!((hum.seconds, hum.pitch, hum.loudness), (4.0, 0.5, 0.3));
        assert_eq!((beep.pitch, beep.loudness, beep.at), (1.0, 1.0, 4.0));
    }

    #[test]
    fn seconds_are_of_the_sound_before_for_or_of_the_next() {
        let lengths = |prompt: &str| {
            let score = read(prompt);
            assert_eq!(score.unknown, [""; 0], "{prompt}");
            score.sounds.iter().map(|sound| (sound.kind, sound.at, sound.seconds)).collect::<Vec<_>>()
        };
        let expected = [(Kind::Beep, 0.0, 2.0), (Kind::Silence, 2.0, 1.0), (Kind::Beep, 3.0, 0.3)];
        assert_eq!(lengths("a beep for 2 seconds then silence for 1 second then a beep"), expected);
        assert_eq!(lengths("a two second beep and a bell"), [(Kind::Beep, 0.0, 2.0), (Kind::Bell, 0.0, 2.5)]);
        assert_eq!(read("beep 2 foo bell").sounds.len(), 2);
    }

    #[test]
    fn what_says_nothing_here_is_kept_as_such_and_numbers_end() {
        let score = read("a purring cat");
        assert!(score.sounds.is_empty() && score.unknown == ["purring", "cat"]);
        assert_eq!(read("99999999999999 beeps").sounds.len(), MOST);
    }
}
