//! What the published folder says about a network and about its words.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::weights::LoadError;

/// `config.json`
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub num_mel_bins: usize,
    pub d_model: usize,
    pub encoder_layers: usize,
    pub encoder_attention_heads: usize,
    pub encoder_ffn_dim: usize,
    pub decoder_layers: usize,
    pub decoder_attention_heads: usize,
    pub decoder_ffn_dim: usize,
    pub vocab_size: usize,
    pub max_source_positions: usize,
    pub max_target_positions: usize,
    #[serde(default = "gelu")]
    pub activation_function: String,
    #[serde(default = "median")]
    pub median_filter_width: usize,
}

impl Config {
    pub fn check(&self) -> Result<(), LoadError> {
        let refused = |field, found: String, expected| Err(LoadError::Unsupported { field, found, expected });
        if self.activation_function != "gelu" {
            return refused("activation_function", self.activation_function.clone(), "gelu");
        }
        let even = |heads: usize| heads > 0 && self.d_model.is_multiple_of(heads);
        if !even(self.encoder_attention_heads) || !even(self.decoder_attention_heads) {
            return refused("d_model", self.d_model.to_string(), "a multiple of the number of heads");
        }
        if self.max_source_positions == 0 || self.max_target_positions < 8 || self.num_mel_bins == 0 {
            return refused("max_target_positions", self.max_target_positions.to_string(), "at least 8");
        }
        Ok(())
    }

    /// Mel frames in a window.
    pub fn window(&self) -> usize {
        2 * self.max_source_positions
    }
}

/// `generation_config.json`
#[derive(Clone, Debug, Deserialize)]
pub struct Generation {
    pub decoder_start_token_id: u32,
    #[serde(deserialize_with = "first")]
    pub eos_token_id: u32,
    pub no_timestamps_token_id: u32,
    #[serde(default)]
    pub prev_sot_token_id: Option<u32>,
    #[serde(default)]
    pub suppress_tokens: Option<Vec<u32>>,
    #[serde(default)]
    pub begin_suppress_tokens: Option<Vec<u32>>,
    /// `<|en|>` and its id; absent where only English is spoken.
    #[serde(default)]
    pub lang_to_id: BTreeMap<String, u32>,
    #[serde(default)]
    pub task_to_id: BTreeMap<String, u32>,
    /// Layer and head: the attention that follows the words through the sound.
    #[serde(default)]
    pub alignment_heads: Option<Vec<(usize, usize)>>,
    #[serde(default)]
    pub max_initial_timestamp_index: Option<u32>,
}

impl Generation {
    pub fn check(&self, config: &Config) -> Result<(), LoadError> {
        let most = config.vocab_size as u32;
        let lists = [&self.suppress_tokens, &self.begin_suppress_tokens].into_iter().flatten().flatten();
        let ids = [self.decoder_start_token_id, self.eos_token_id, self.no_timestamps_token_id];
        let all = ids.iter().chain(lists).chain(self.lang_to_id.values()).chain(self.task_to_id.values());
        if let Some(id) = all.chain(&self.prev_sot_token_id).find(|id| **id >= most) {
            let expected = "token ids inside the vocabulary";
            return Err(LoadError::Unsupported { field: "generation_config", found: id.to_string(), expected });
        }
        let inside =
            |&(layer, head): &(usize, usize)| layer < config.decoder_layers && head < config.decoder_attention_heads;
        if !self.alignment_heads.iter().flatten().all(inside) {
            let (found, expected) = ("a head that is not there".into(), "heads of the network");
            return Err(LoadError::Unsupported { field: "alignment_heads", found, expected });
        }
        Ok(())
    }

    /// The first token that is a time.
    pub fn timestamps(&self) -> u32 {
        self.no_timestamps_token_id + 1
    }

    /// Two- and three-letter codes.
    pub fn languages(&self) -> BTreeSet<&str> {
        self.lang_to_id.keys().map(|token| bare(token)).collect()
    }

    pub fn language(&self, code: &str) -> Option<u32> {
        self.lang_to_id.get(&format!("<|{code}|>")).copied()
    }

    pub fn code(&self, id: u32) -> Option<&str> {
        self.lang_to_id.iter().find(|(_, known)| **known == id).map(|(token, _)| bare(token))
    }
}

fn bare(token: &str) -> &str {
    token.trim_start_matches("<|").trim_end_matches("|>")
}

fn gelu() -> String {
    "gelu".into()
}

fn median() -> usize {
    7
}

/// Some files give a list.
fn first<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ids {
        One(u32),
        Many(Vec<u32>),
    }
    match Ids::deserialize(value)? {
        Ids::One(id) => Ok(id),
        Ids::Many(ids) => ids.first().copied().ok_or_else(|| serde::de::Error::custom("an empty list of token ids")),
    }
}
