//! The process that speaks: an order in its folder, and an answer beside it.

use std::{fs, io, process::ExitCode};

use serde::{Deserialize, Serialize};
use tintype_media::wav;

use super::espeak::{Espeak, EspeakError, Mark};

/// The word after this program's name that makes it a speaker.
pub const SPEAKER: &str = "speaker";

pub(super) const ORDER: &str = "order.json";
pub(super) const REPLY: &str = "reply.json";
pub(super) const WAV: &str = "speech.wav";

/// What is to be said, and how. Without a text it is asked which voices there are.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Order {
    pub text: Option<String>,
    /// The code of a language: `en-us`.
    pub voice: String,
    pub variant: Option<String>,
    pub words_per_minute: i32,
    pub pitch: i32,
    pub gap: i32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply")]
pub(super) enum Reply {
    Spoken { rate: u32, samples: usize, words: Vec<Mark> },
    Voices { voices: Vec<Voice>, variants: Vec<String> },
    NoVoice { known: Vec<String> },
    NoVariant { known: Vec<String> },
    NoLibrary,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Voice {
    pub language: String,
    pub name: String,
}

/// A word and when it is heard, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timed {
    pub text: String,
    pub start: f64,
    pub end: f64,
}

/// Runs as a speaker, in the folder in which it was started.
pub fn serve() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> io::Result<()> {
    let order: Order = serde_json::from_slice(&fs::read(ORDER)?)?;
    let (reply, sound) = speak(&order).map_err(io::Error::other)?;
    if let Some((rate, samples)) = sound {
        fs::write(WAV, wav(samples.into_iter(), rate))?;
    }
    fs::write(REPLY, serde_json::to_vec(&reply)?)
}

type Sound = (u32, Vec<i16>);

fn speak(order: &Order) -> Result<(Reply, Option<Sound>), EspeakError> {
    let mut espeak = match Espeak::open() {
        Ok(espeak) => espeak,
        Err(EspeakError::Missing(_)) => return Ok((Reply::NoLibrary, None)),
        Err(other) => return Err(other),
    };
    let (voices, variants) = (espeak.voices(), espeak.variants());
    let Some(text) = &order.text else { return Ok((Reply::Voices { voices, variants }, None)) };
    if !voices.iter().any(|voice| voice.language == order.voice) {
        let known = voices.into_iter().map(|voice| voice.language).collect();
        return Ok((Reply::NoVoice { known }, None));
    }
    let mut name = order.voice.clone();
    if let Some(variant) = &order.variant {
        if !variants.contains(variant) {
            return Ok((Reply::NoVariant { known: variants }, None));
        }
        name = format!("{name}+{variant}");
    }
    let said = espeak.say(text, &name, order.words_per_minute, order.pitch, order.gap)?;
    let reply = Reply::Spoken { rate: said.rate, samples: said.samples.len(), words: said.marks };
    Ok((reply, Some((said.rate, said.samples))))
}

/// The marks as words with a beginning and an end. A number is several words to the voice, which it finds somewhere in
/// the one of the text.
pub(super) fn timed(text: &str, marks: &[Mark], seconds: f64) -> Vec<Timed> {
    let characters: Vec<char> = text.chars().collect();
    let mut words: Vec<(usize, Timed)> = Vec::new();
    for (number, mark) in marks.iter().enumerate() {
        let Some(length) = mark.length else { continue };
        let start = f64::from(mark.millis) / 1000.0;
        let next = marks.get(number + 1).map_or(seconds, |next| f64::from(next.millis) / 1000.0);
        let end = next.clamp(start, seconds.max(start));
        let from = mark.position.saturating_sub(1).min(characters.len());
        let later = marks[number + 1..].iter().filter(|mark| mark.length.is_some());
        let limit = later.map(|mark| mark.position.saturating_sub(1)).find(|next| *next > from);
        let limit = limit.unwrap_or(characters.len()).min(characters.len());
        let to = word_end(&characters, (from + length).min(characters.len()), limit);
        match words.last_mut() {
            Some((place, word)) if from < *place => word.end = end,
            _ => words.push((to, Timed { text: characters[from..to].iter().collect(), start, end })),
        }
    }
    words.into_iter().map(|(_, word)| word).filter(|word| !word.text.trim().is_empty()).collect()
}

/// A mark ends at an apostrophe or a hyphen inside of a word, which is spoken as one: `doesn't`, `well-known`.
fn word_end(characters: &[char], marked: usize, limit: usize) -> usize {
    let rest = characters.get(marked..limit).unwrap_or_default();
    let joined = rest.iter().take_while(|character| !character.is_whitespace()).count();
    let last = rest[..joined].iter().rposition(|character| character.is_alphanumeric());
    marked + last.map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_the_next_begins_or_the_clause_ends() {
        let mark = |position, length, millis| Mark { position, length, millis };
        let marks = [mark(1, Some(2), 0), mark(4, Some(2), 300), mark(5, Some(2), 500), mark(6, None, 900)];
        let word = |text: &str, start, end| Timed { text: text.to_owned(), start, end };
        assert_eq!(timed("Öl 42.", &marks, 1.5), [word("Öl", 0.0, 0.3), word("42", 0.3, 0.9)]);
        let inner = [mark(4, Some(5), 100), mark(14, Some(4), 300), mark(26, Some(2), 500)];
        let texts = |text| timed(text, &inner, 1.0).into_iter().map(|word| word.text).collect::<Vec<_>>();
        assert_eq!(texts("It doesn't, (well-known) so’s."), ["doesn't", "well-known", "so’s"]);
        assert_eq!(timed("", &[mark(9, Some(9), 0)], 1.0), []);
    }

    /// One test: the library speaks in one place of a process at a time.
    #[test]
    fn the_library_speaks_and_tells_its_words() {
        let order = Order {
            text: Some("Hello, big world. Geht's Übermorgen 42!".to_owned()),
            voice: "de".to_owned(),
            words_per_minute: 175,
            pitch: 50,
            ..Order::default()
        };
        let (reply, sound) = speak(&order).unwrap();
        let Reply::Spoken { rate, samples, words } = reply else {
            panic!("this test needs espeak-ng (apt-get install espeak-ng): {reply:?}");
        };
        let seconds = samples as f64 / f64::from(rate);
        assert!(rate >= 16_000 && seconds > 1.0, "{rate} {seconds}");
        assert!(sound.unwrap().1.iter().any(|sample| sample.abs() > 1000), "it can be heard");
        let words = timed(order.text.as_deref().unwrap(), &words, seconds);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["Hello", "big", "world", "Geht's", "Übermorgen", "42"]);
        assert!(
            words.windows(2).all(|two| two[0].start < two[0].end && two[0].end <= two[1].start + 1e-9),
            "{words:?}"
        );
        assert!(words[5].end <= seconds && words[5].start > 1.0);

        let Reply::NoVoice { known } = speak(&Order { voice: "xx".to_owned(), ..order }).unwrap().0 else { panic!() };
        assert!(known.contains(&"en-us".to_owned()) && known.len() > 50);
    }
}
