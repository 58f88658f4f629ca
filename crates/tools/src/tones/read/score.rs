//! Sounds in time.

use serde_json::{Value, json};

use super::super::sounds::Kind;

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Sound {
    pub kind: Kind,
    pub seconds: f64,
    /// Multiplies frequencies.
    pub pitch: f32,
    pub loudness: f32,
    /// When it begins.
    pub at: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Score {
    pub sounds: Vec<Sound>,
    /// Words that had no effect.
    pub unknown: Vec<String>,
    /// The largest number of repetitions that was asked for.
    pub most: usize,
    last: Option<Laid>,
    /// When the last group began, and when all have ended.
    begin: f64,
    end: f64,
}

/// One sound, so many times.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub sound: Sound,
    pub count: usize,
}

/// A group in its place.
#[derive(Clone, Debug, PartialEq)]
struct Laid {
    group: Group,
    /// Its first sound.
    first: usize,
    start: f64,
    /// When those before it end.
    before: f64,
}

/// Between the repetitions of one sound.
const BREATH: f64 = 0.12;
/// Repetitions of one sound; the length of the whole is bounded too.
pub(in super::super) const MOST: usize = 200;

impl Score {
    pub fn seconds(&self) -> f64 {
        self.sounds.iter().map(|sound| sound.at + sound.seconds).fold(0.0, f64::max)
    }

    pub(super) fn has_sounds(&self) -> bool {
        !self.sounds.is_empty()
    }

    /// After the others, or with the last.
    pub(super) fn add(&mut self, group: Group, joined: bool) {
        let start = if joined { self.begin } else { self.end };
        self.most = self.most.max(group.count);
        self.lay(Laid { group, first: self.sounds.len(), start, before: self.end });
    }

    /// Makes the last group longer or shorter.
    pub(super) fn stretch(&mut self, seconds: f64) {
        if let Some(mut laid) = self.last.take() {
            laid.group.sound.seconds = seconds;
            self.sounds.truncate(laid.first);
            self.lay(laid);
        }
    }

    fn lay(&mut self, laid: Laid) {
        let Group { sound, count } = &laid.group;
        let count = (*count).min(MOST);
        let every = sound.seconds + if matches!(sound.kind, Kind::Note(_)) { 0.0 } else { BREATH };
        let at = |number: usize| laid.start + every * number as f64;
        self.sounds.extend((0..count).map(|number| Sound { at: at(number), ..sound.clone() }));
        self.begin = laid.start;
        self.end = laid.before.max(at(count.saturating_sub(1)) + sound.seconds);
        self.last = Some(laid);
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
