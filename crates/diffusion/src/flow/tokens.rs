//! Tokenizers that are one file, as T5's and Qwen's are.

use std::path::Path;

use tokenizers::Tokenizer;

use crate::LoadError;

/// A repository's `tokenizer.json`.
pub struct Tokens {
    tokenizer: Tokenizer,
    padding: u32,
}

/// A prompt in tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub ids: Vec<u32>,
    /// How many tokens were left out at the end.
    pub left_out: usize,
}

impl Tokens {
    pub fn read(folder: &Path) -> Result<Self, LoadError> {
        let path = folder.join("tokenizer.json");
        let wrong = |error: tokenizers::Error| LoadError::Tokenizer { path: path.clone(), reason: error.to_string() };
        let mut tokenizer = Tokenizer::from_file(&path).map_err(wrong)?;
        // Some files carry a length of their own.
        tokenizer.with_truncation(None).map_err(wrong)?;
        tokenizer.with_padding(None);
        let padding = tokenizer.token_to_id("<pad>").unwrap_or(0);
        Ok(Self { tokenizer, padding })
    }

    /// Exactly `count` tokens, the last word's followed by the end and then by padding.
    pub fn filled(&self, text: &str, count: usize) -> Result<Read, tokenizers::Error> {
        let mut ids = self.tokenizer.encode(text, true)?.get_ids().to_vec();
        let left_out = ids.len().saturating_sub(count);
        if let (true, Some(&end)) = (left_out > 0, ids.last()) {
            ids.truncate(count - 1);
            ids.push(end);
        }
        ids.resize(count, self.padding);
        Ok(Read { ids, left_out })
    }

    /// At most `count` tokens, and no padding.
    pub fn cut(&self, text: &str, count: usize) -> Result<Read, tokenizers::Error> {
        let mut ids = self.tokenizer.encode(text, true)?.get_ids().to_vec();
        let left_out = ids.len().saturating_sub(count);
        ids.truncate(count);
        Ok(Read { ids, left_out })
    }
}
