//! What was said of the sound that comes next: its numbers and properties.

use crate::prompt::number;

/// A number, and the word that it was said with.
type Amount = (f64, String);

#[derive(Debug)]
pub(super) struct Saying {
    /// A number of which is not known yet what it counts.
    amount: Option<Amount>,
    /// A number before that: "two 3 second beeps".
    times: Option<Amount>,
    /// How much longer than usual, and the word that says so.
    pub length: Option<Amount>,
    /// Said in units of time.
    pub seconds: Option<f64>,
    pub pitch: f32,
    pub loudness: f32,
}

impl Default for Saying {
    fn default() -> Self {
        Self { amount: None, times: None, length: None, seconds: None, pitch: 1.0, loudness: 1.0 }
    }
}

/// Larger numbers are nothing that could be made.
const MOST: f64 = 1e9;

/// A number with its fractions, above nothing.
pub(super) fn amount(word: &str) -> Option<f64> {
    let spoken = match word {
        "half" => Some(0.5),
        "quarter" => Some(0.25),
        "couple" => Some(2.0),
        "few" => Some(3.0),
        "dozen" => Some(12.0),
        _ => number(word).map(|number| number as f64),
    };
    let fraction = || {
        let (above, below) = word.split_once('/')?;
        Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?)
    };
    // The parser also knows words such as "infinity".
    let written =
        || word.parse().ok().filter(|_| word.starts_with(|first: char| first.is_ascii_digit() || first == '.'));
    let found: Option<f64> = spoken.or_else(fraction).or_else(written);
    found.filter(|amount| *amount > 0.0).map(|amount| amount.min(MOST))
}

/// A unit of time, in seconds.
pub(super) fn unit(word: &str) -> Option<f64> {
    match word {
        "millisecond" | "milliseconds" | "ms" => Some(0.001),
        "second" | "seconds" | "sec" | "secs" => Some(1.0),
        "minute" | "minutes" | "min" | "mins" => Some(60.0),
        "hour" | "hours" => Some(3600.0),
        _ => None,
    }
}

/// `2s` and `500ms`, which are written as one word.
pub(super) fn amount_of_unit(word: &str) -> Option<(&str, f64)> {
    let (number, rest) = word.split_at(word.find(char::is_alphabetic)?);
    amount(number)?;
    Some((number, if rest == "s" { 1.0 } else { unit(rest)? }))
}

impl Saying {
    /// "Twenty five" is one number, "two 3" are two.
    pub fn number(&mut self, amount: f64, word: &str) {
        let word = word.to_owned();
        match self.amount.take() {
            Some((tens, before))
                if spoken(&before) && spoken(&word) && (20.0..100.0).contains(&tens) && amount < 10.0 =>
            {
                self.amount = Some((tens + amount, format!("{before} {word}")));
            }
            before => {
                self.times = before.or(self.times.take());
                self.amount = Some((amount, word));
            }
        }
    }

    pub fn has_amount(&self) -> bool {
        self.amount.is_some()
    }

    /// "And a half".
    pub fn and_half(&mut self) {
        if let Some((amount, _)) = &mut self.amount {
            *amount += 0.5;
        }
    }

    /// How many units; one, if nobody says.
    pub fn take_amount(&mut self) -> f64 {
        self.amount.take().map_or(1.0, |(amount, _)| amount)
    }

    /// How many sounds, and the words of numbers that count none.
    pub fn count(&self) -> (usize, Vec<&str>) {
        let mut said: Vec<&Amount> = [&self.times, &self.amount].into_iter().flatten().collect();
        let count = said.pop_if(|(amount, _)| amount.fract() == 0.0).map_or(1, |(amount, _)| *amount as usize);
        (count, said.into_iter().map(|(_, word)| word.as_str()).collect())
    }

    /// Whether a word says something of a sound.
    pub fn take(&mut self, word: &str) -> bool {
        match word {
            "high" => self.pitch = 2.0,
            "low" | "deep" => self.pitch = 0.5,
            "long" | "slow" => self.length = Some((2.0, word.to_owned())),
            "short" | "quick" | "fast" => self.length = Some((0.5, word.to_owned())),
            "loud" => self.loudness = 1.3,
            "quiet" | "soft" | "distant" => self.loudness = 0.3,
            _ => return false,
        }
        true
    }
}

fn spoken(word: &str) -> bool {
    word.chars().all(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_fractions_and_an_end() {
        let found = ["half", "1.5", ".5", "3/4", "seven", "ninety"].map(amount);
        assert_eq!(found, [0.5, 1.5, 0.5, 0.75, 7.0, 90.0].map(Some));
        assert_eq!(
            [amount("0"), amount("1/0"), amount("0/0"), amount("inf"), amount("x")],
            [None, Some(MOST), None, None, None]
        );
        assert_eq!(amount(&"9".repeat(400)), Some(MOST));
        assert_eq!(amount_of_unit("1.5min"), Some(("1.5", 60.0)));
        assert_eq!([amount_of_unit("2x"), amount_of_unit("c4"), amount_of_unit("s")], [None; 3]);
    }

    #[test]
    fn numbers_that_count_nothing_are_told() {
        let mut saying = Saying::default();
        for (amount, word) in [(20.0, "twenty"), (5.0, "five"), (0.5, "half")] {
            saying.number(amount, word);
        }
        assert_eq!(saying.count(), (1, vec!["twenty five", "half"]));
    }
}
