//! From text to the ids of letters.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;

use crate::weights::{LoadError, Loaded, json};

/// `tokenizer_config.json`
#[expect(clippy::struct_excessive_bools, reason = "they are what the file has")]
#[derive(Debug, Deserialize)]
struct Rules {
    #[serde(default = "yes")]
    add_blank: bool,
    #[serde(default = "yes")]
    normalize: bool,
    #[serde(default = "yes")]
    phonemize: bool,
    #[serde(default)]
    is_uroman: bool,
    #[serde(default)]
    language: Option<String>,
}

pub struct Letters {
    ids: HashMap<String, u32>,
    rules: Rules,
}

impl Letters {
    pub fn load(folder: &Path, count: usize) -> Loaded<Self> {
        let (ids, rules): (HashMap<String, u32>, Rules) =
            (json(folder, "vocab.json")?, json(folder, "tokenizer_config.json")?);
        let refused = |field, expected| Err(LoadError::Unsupported { field, found: "true".into(), expected });
        if rules.phonemize {
            return refused("phonemize", "false: voices that read letters");
        }
        if rules.is_uroman {
            return refused("is_uroman", "false: languages whose own letters the voice reads");
        }
        if let Some(id) = ids.values().find(|id| **id as usize >= count) {
            let (found, expected) = (id.to_string(), "ids inside the vocabulary");
            return Err(LoadError::Unsupported { field: "vocab.json", found, expected });
        }
        Ok(Self { ids, rules })
    }

    /// The ids, and the letters that the voice does not know, each once.
    pub fn read(&self, text: &str) -> (Vec<u32>, Vec<char>) {
        let text = if self.rules.normalize { self.lowered(text) } else { text.to_owned() };
        let text = if self.rules.language.as_deref() == Some("ron") { text.replace('ț', "ţ") } else { text };
        let mut unknown: Vec<char> = Vec::new();
        let mut known = String::new();
        for letter in text.chars() {
            if self.ids.contains_key(letter.encode_utf8(&mut [0; 4]) as &str) {
                known.push(letter);
            } else if !letter.is_whitespace() && !letter.is_ascii_punctuation() && !unknown.contains(&letter) {
                unknown.push(letter);
            }
        }
        let ids = known.trim().chars().filter_map(|letter| self.ids.get(letter.encode_utf8(&mut [0; 4]) as &str));
        let ids: Vec<u32> = ids.copied().collect();
        if self.rules.add_blank && !ids.is_empty() {
            let spread = std::iter::once(0).chain(ids.into_iter().flat_map(|id| [id, 0]));
            return (spread.collect(), unknown);
        }
        (ids, unknown)
    }

    /// Letters that the voice knows as capitals stay what they are.
    fn lowered(&self, text: &str) -> String {
        let mut lowered = String::new();
        for letter in text.chars() {
            if self.ids.contains_key(letter.encode_utf8(&mut [0; 4]) as &str) {
                lowered.push(letter);
            } else {
                lowered.extend(letter.to_lowercase());
            }
        }
        lowered
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(add_blank: bool) -> Letters {
        let ids = [("a", 1), ("b", 2), (" ", 3), ("'", 4)].map(|(letter, id)| (letter.to_owned(), id));
        let rules = Rules { add_blank, normalize: true, phonemize: false, is_uroman: false, language: None };
        Letters { ids: ids.into(), rules }
    }

    #[test]
    fn text_is_lowered_and_spread() {
        assert_eq!(letters(true).read(" A b! "), (vec![0, 1, 0, 3, 0, 2, 0], vec![]));
        assert_eq!(letters(false).read("AB").0, [1, 2]);
    }

    #[test]
    fn unknown_letters_are_named_once() {
        assert_eq!(letters(true).read("好 好?"), (vec![], vec!['好']));
    }
}
