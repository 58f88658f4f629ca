//! Writes down one window of sound, token by token, and judges what came out.

use candle_core::Tensor;
use flate2::{Compression, write::ZlibEncoder};
use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use std::io::Write as _;
use tintype_engine::{RunError, Watch};

use super::{
    config::{Config, Generation},
    network::Network,
    rules,
};

/// How daring each try is. A text that repeats itself or that the network itself doubts is tried anew.
#[derive(Clone, Debug)]
pub struct Tries {
    pub temperatures: &'static [f32],
    /// A text that shrinks by more than this repeats itself.
    pub most_compression: f64,
    /// The mean logarithm of the tokens' probabilities.
    pub least_certainty: f64,
    /// Beyond this, and uncertain, there was no speech at all.
    pub most_silence: f64,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            temperatures: &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
            most_compression: 2.4,
            least_certainty: -1.0,
            most_silence: 0.6,
        }
    }
}

impl Tries {
    /// Only the likeliest text, whatever the network thinks of it.
    #[cfg(test)]
    pub const SINGLE: Self = Self {
        temperatures: &[0.0],
        most_compression: f64::INFINITY,
        least_certainty: f64::NEG_INFINITY,
        most_silence: 1.0,
    };
}

/// How a window is to be written down.
pub struct Writer<'a> {
    pub network: &'a Network,
    pub config: &'a Config,
    pub rules: &'a Generation,
    /// Turns tokens into text, to see whether it repeats itself.
    pub spell: &'a dyn Fn(&[u32]) -> String,
    pub timed: bool,
    pub follow: &'a [(usize, usize)],
    pub tries: Tries,
}

/// What was written about a window.
pub struct Written {
    /// Without what was there before, and without the end.
    pub tokens: Vec<u32>,
    /// By followed head, then by token.
    pub attention: Vec<Vec<Vec<f32>>>,
    pub certainty: f64,
    /// How likely it is that nobody speaks.
    pub silence: f64,
}

impl Writer<'_> {
    /// The likeliest language of what was heard.
    pub fn language(&self, heard: &Tensor) -> Result<Option<u32>, RunError> {
        let mut text = self.network.begin(heard, &[])?;
        let scores = self.network.read(&mut text, &[self.rules.decoder_start_token_id])?;
        let best = self.rules.lang_to_id.values().max_by(|a, b| scores[**a as usize].total_cmp(&scores[**b as usize]));
        Ok(best.copied())
    }

    /// `None` where nobody speaks. `prefix` is what the network has read before it begins to write.
    pub fn write(&self, heard: &Tensor, prefix: &[u32], watch: &mut dyn Watch) -> Result<Option<Written>, RunError> {
        let mut last = None;
        for &temperature in self.tries.temperatures {
            let written = self.attempt(heard, prefix, temperature, watch)?;
            let doubtful = written.certainty < self.tries.least_certainty;
            if doubtful && written.silence > self.tries.most_silence {
                return Ok(None);
            }
            let good = !doubtful && self.compression(&written.tokens) <= self.tries.most_compression;
            last = Some(written);
            if good {
                break;
            }
        }
        Ok(last)
    }

    fn attempt(
        &self,
        heard: &Tensor,
        prefix: &[u32],
        temperature: f32,
        watch: &mut dyn Watch,
    ) -> Result<Written, RunError> {
        // The same sound gives the same text.
        let mut random = StdRng::seed_from_u64(u64::from(temperature.to_bits()));
        let mut text = self.network.begin(heard, self.follow)?;
        let (mut tokens, mut sum, mut silence) = (Vec::new(), 0.0, 0.0);
        let most = self.config.max_target_positions.saturating_sub(prefix.len());
        let mut next = prefix.to_vec();
        while tokens.len() < most {
            watch.wanted()?;
            let mut scores = self.network.read(&mut text, &next)?;
            if tokens.is_empty() {
                silence = probability(&scores, self.rules.no_timestamps_token_id as usize - 1);
            }
            rules::apply(&mut scores, &tokens, self.timed, self.rules);
            let chosen = choose(&scores, temperature, &mut random);
            sum += probability(&scores, chosen).ln();
            if chosen as u32 == self.rules.eos_token_id {
                break;
            }
            tokens.push(chosen as u32);
            next = vec![chosen as u32];
        }
        let attention = text.attention.iter_mut().map(|rows| rows.split_off(prefix.len().min(rows.len()))).collect();
        let certainty = sum / (tokens.len() + 1) as f64;
        Ok(Written { tokens, attention, certainty, silence })
    }

    fn compression(&self, tokens: &[u32]) -> f64 {
        let words: Vec<u32> = tokens.iter().copied().filter(|token| *token < self.rules.eos_token_id).collect();
        let text = (self.spell)(&words);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let packed = zlib.write_all(text.as_bytes()).and_then(|()| zlib.finish());
        packed.map_or(0.0, |packed| text.len() as f64 / packed.len() as f64)
    }
}

fn choose(scores: &[f32], temperature: f32, random: &mut StdRng) -> usize {
    if temperature <= 0.0 {
        let best = |best: usize, n: usize| if scores[n] > scores[best] { n } else { best };
        return (0..scores.len()).fold(0, best);
    }
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |score: &f32| f64::from((score - top) / temperature).exp();
    let mut left = random.random::<f64>() * scores.iter().map(weight).sum::<f64>();
    for (n, score) in scores.iter().enumerate() {
        left -= weight(score);
        if left <= 0.0 && *score > f32::NEG_INFINITY {
            return n;
        }
    }
    scores.iter().rposition(|score| *score > f32::NEG_INFINITY).unwrap_or(0)
}

fn probability(scores: &[f32], of: usize) -> f64 {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = scores.iter().map(|score| f64::from(score - top).exp()).sum();
    f64::from(scores[of] - top).exp() / sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forbidden_is_never_drawn() {
        let mut random = StdRng::seed_from_u64(1);
        let scores = [f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY, 0.5, f32::NEG_INFINITY];
        let drawn: Vec<usize> = (0..200).map(|_| choose(&scores, 1.0, &mut random)).collect();
        assert!(drawn.iter().all(|n| [1, 3].contains(n)) && drawn.contains(&1) && drawn.contains(&3));
        assert_eq!(choose(&scores, 0.0, &mut random), 3);
    }
}
