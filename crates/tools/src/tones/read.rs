//! Reading a prompt: sounds with their properties, one after the other unless they are joined by "and" or "with".

mod score;

use super::{
    saying::{Saying, amount, amount_of_unit, unit},
    sounds,
};
use crate::prompt::{Phrase, Token, tokens};
use score::Group;
pub(super) use score::{MOST, Score, Sound};

/// Words that only hold others together.
const GLUE: [&str; 10] = ["by", "followed", "sound", "sounds", "effect", "in", "plays", "play", "note", "pitched"];
const ARTICLES: [&str; 3] = ["a", "an", "the"];

/// What a length is said of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Of {
    #[default]
    Next,
    /// "A beep for two seconds".
    Last,
    /// "A dog for two seconds".
    Nobody,
}

#[derive(Debug, Default)]
struct Reader {
    score: Score,
    phrase: Phrase,
    saying: Saying,
    /// The last words of the phrase that say a number or a length.
    quantity: usize,
    of: Of,
    /// The length that was said just now, and its unit.
    length: Option<(f64, f64)>,
    /// The word that made the last sound longer or shorter than usual.
    lengthened: Option<String>,
    /// Whether the next sound begins with the last.
    joined: bool,
    /// Whether the word before was a sound.
    fresh: bool,
}

pub(super) fn read(prompt: &str) -> Score {
    let lower = prompt.to_lowercase();
    let tokens = tokens(&lower);
    let (mut reader, mut at) = (Reader::default(), 0);
    while at < tokens.len() {
        at += reader.take(&tokens[at..]);
    }
    reader.part();
    let Reader { mut score, phrase, .. } = reader;
    score.unknown = phrase.finish();
    score
}

impl Reader {
    /// Reads what comes first, and says how many words it was.
    fn take(&mut self, rest: &[Token<'_>]) -> usize {
        use Token::{Comma, Stop, Word};
        let (fresh, length) = (std::mem::take(&mut self.fresh), self.length.take());
        match *rest {
            [Word("and"), Word("a"), Word("half"), ..] if self.half(length) => 3,
            [Word("and"), Word("half"), ..] if self.half(length) => 2,
            // "A minute and 30 seconds".
            [Word("and"), Word(number), Word(word), ..] if amount(number).is_some() && smaller(word, length) => {
                self.length = length;
                1
            }
            [Comma, ..] => {
                if self.phrase.comma() {
                    self.unnamed();
                }
                self.of = Of::Next;
                1
            }
            [Stop | Word("then" | "after" | "next"), ..] => {
                self.part();
                self.joined = false;
                1
            }
            [Word("and" | "with" | "over" | "while"), ..] => {
                self.trailing();
                // What it would be joined with is not there.
                let lost = self.phrase.has_strange();
                self.joined = !lost && self.score.has_sounds();
                self.article();
                self.of = Of::Next;
                1
            }
            [Word(word), ..] => {
                self.word(word, fresh, length);
                1
            }
            [] => 1,
        }
    }

    fn word(&mut self, word: &str, fresh: bool, length: Option<(f64, f64)>) {
        if ARTICLES.contains(&word) {
            self.article();
        } else if matches!(word, "for" | "of" | "lasting") {
            self.preposition(word != "of" || fresh);
        } else if let Some(amount) = amount(word) {
            self.article();
            self.saying.number(amount, word);
            self.said(word);
            self.length = length;
        } else if let Some(unit) = unit(word).or((word == "s" && self.saying.has_amount()).then_some(1.0)) {
            self.said(word);
            self.lasts(unit, length);
        } else if let Some((number, unit)) = amount_of_unit(word) {
            self.article();
            self.saying.number(amount(number).unwrap_or(1.0), number);
            self.said(word);
            self.lasts(unit, length);
        } else if let Some((kind, usual)) = sounds::of_word(word) {
            self.sound(kind, usual);
        } else if self.saying.take(word) {
            self.quantity = 0;
            self.phrase.known(word);
        } else if !GLUE.contains(&word) {
            self.quantity = 0;
            self.phrase.strange(word);
        }
    }

    fn said(&mut self, word: &str) {
        self.quantity += 1;
        self.phrase.known(word);
    }

    /// Something new begins: what was said of a thing without a name is not said of it.
    fn article(&mut self) {
        if self.phrase.has_strange() {
            self.unnamed();
        }
    }

    fn unnamed(&mut self) {
        self.phrase.unnamed();
        (self.saying, self.quantity) = (Saying::default(), 0);
    }

    fn preposition(&mut self, of_last: bool) {
        if self.phrase.has_strange() {
            self.unnamed();
            self.of = Of::Nobody;
        } else if of_last && self.score.has_sounds() {
            self.of = Of::Last;
        }
    }

    /// So many units of time, and what was said in a larger one just before.
    fn lasts(&mut self, unit: f64, before: Option<(f64, f64)>) {
        let more = before.filter(|(_, larger)| unit < *larger).map_or(0.0, |(seconds, _)| seconds);
        let amount = self.saying.take_amount();
        self.last(more + amount * unit, unit);
    }

    fn last(&mut self, seconds: f64, unit: f64) {
        self.length = Some((seconds, unit));
        match self.of {
            Of::Next => self.saying.seconds = Some(seconds),
            Of::Last => {
                self.stretch(seconds);
                self.phrase.served(std::mem::take(&mut self.quantity));
            }
            Of::Nobody => self.unnamed(),
        }
    }

    fn stretch(&mut self, seconds: f64) {
        self.score.stretch(seconds);
        self.overruled();
    }

    /// "A long 2 second beep": two seconds are two seconds.
    fn overruled(&mut self) {
        if let Some(word) = self.lengthened.take() {
            self.phrase.tell(&word);
        }
    }

    /// "And a half": of the number that waits, or of the unit that was said just now.
    fn half(&mut self, length: Option<(f64, f64)>) -> bool {
        match length {
            _ if self.saying.has_amount() => self.saying.and_half(),
            Some((seconds, unit)) => self.last(seconds + unit / 2.0, unit),
            None => return false,
        }
        true
    }

    /// "Rain, 10 seconds": a length that nothing follows is said of the sound before it.
    fn trailing(&mut self) {
        let alone = self.quantity > 0 && self.quantity == self.phrase.len() && self.score.has_sounds();
        if let Some(seconds) = self.saying.seconds.take_if(|_| alone) {
            self.stretch(seconds);
            self.phrase.served(std::mem::take(&mut self.quantity));
        }
    }

    /// The end of a part: nothing of it is said of the next.
    fn part(&mut self) {
        self.trailing();
        self.unnamed();
        self.of = Of::Next;
    }

    fn sound(&mut self, kind: sounds::Kind, usual: f64) {
        let said = std::mem::take(&mut self.saying);
        let (count, idle) = said.count();
        self.phrase.named();
        for number in idle {
            self.phrase.tell(number);
        }
        let (times, word) = said.length.unzip();
        let seconds = said.seconds.unwrap_or(usual * times.unwrap_or(1.0));
        self.lengthened = word;
        if said.seconds.is_some() {
            self.overruled();
        }
        let sound = Sound { kind, seconds, pitch: said.pitch, loudness: said.loudness, at: 0.0 };
        self.score.add(Group { sound, count }, std::mem::take(&mut self.joined));
        (self.quantity, self.of, self.fresh) = (0, Of::Next, true);
    }
}

/// Whether a word is a smaller unit than that of the length before it.
fn smaller(word: &str, length: Option<(f64, f64)>) -> bool {
    unit(word).zip(length).is_some_and(|(unit, (_, larger))| unit < larger)
}

#[cfg(test)]
mod tests;
