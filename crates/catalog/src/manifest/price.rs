//! What a call costs: an amount for each unit, and how the units of a call are counted.

use serde::{Deserialize, Deserializer};

/// `[price]`. A model without one has no stated price.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What is counted, in the plural, as people read it: `images`, `megapixels`, `seconds`.
    pub unit: String,
    /// For one unit, in billionths of the currency; written as a decimal in quotes, so that nothing is rounded.
    #[serde(rename = "amount", deserialize_with = "amount")]
    pub nanos: u64,
    pub formula: Formula,
}

/// How the units of a call are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// One for each call.
    Requests,
    /// Files in the answer.
    Files,
    /// Millions of pixels in the pictures of the answer.
    Megapixels,
    /// Length of the sound or video in the answer.
    Seconds,
    /// Length of the sound or video in the input.
    InputSeconds,
    /// Time for which a runner was busy.
    ComputeSeconds,
    Steps,
    /// Of the text in the input.
    Characters,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no amount: write a decimal with at most nine places, as in \"0.025\"")]
pub struct PriceError(String);

pub const CURRENCY: &str = "USD";
const NANOS: u64 = 1_000_000_000;

impl Price {
    /// The amount of one unit in the currency, as JSON has numbers.
    pub fn amount(&self) -> f64 {
        self.nanos as f64 / NANOS as f64
    }
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

fn parse(text: &str) -> Result<u64, PriceError> {
    let wrong = || PriceError(text.to_owned());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(part) || part.len() > 9 {
        return Err(wrong());
    }
    let nanos: u64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    whole.checked_mul(NANOS).and_then(|whole| whole.checked_add(nanos)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        assert_eq!(parse("0.025"), Ok(25_000_000));
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("12.000000001"), Ok(12_000_000_001));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for wrong in ["", "-1", "1.", ".5", "1e3", "0.0000000001", "99999999999999999999"] {
            assert_eq!(parse(wrong), Err(PriceError(wrong.into())), "{wrong}");
        }
    }
}
