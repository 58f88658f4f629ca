//! The vocabulary.

use std::path::Path;

use tokenizers::Tokenizer;

use crate::weights::LoadError;

pub struct Vocabulary(Tokenizer);

impl Vocabulary {
    /// `tokenizer.json`, as it is published beside the weights.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let path = folder.join("tokenizer.json");
        let loaded = Tokenizer::from_file(&path);
        loaded.map(Self).map_err(|error| LoadError::Vocabulary { path, reason: error.to_string() })
    }

    /// Times and other marks are left out.
    pub fn text(&self, tokens: &[u32]) -> String {
        self.0.decode(tokens, true).unwrap_or_default()
    }

    /// A text as the network reads it before it begins to write.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        self.0.encode(text, false).map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default()
    }

    /// The id of a mark such as `<|startofprev|>`.
    pub fn special(&self, mark: &str) -> Option<u32> {
        self.0.token_to_id(mark)
    }

    /// The texts of the tokens, with how many tokens each takes: a letter may be cut over several.
    pub fn pieces(&self, tokens: &[u32]) -> Vec<(String, usize)> {
        let (mut pieces, mut first) = (Vec::new(), 0);
        for end in 1..=tokens.len() {
            let text = self.text(&tokens[first..end]);
            if !text.contains(char::REPLACEMENT_CHARACTER) || end == tokens.len() {
                pieces.push((text, end - first));
                first = end;
            }
        }
        pieces
    }
}
