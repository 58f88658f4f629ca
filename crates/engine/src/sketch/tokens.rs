//! From a prompt to the ids of the words that the model knows.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::weights::LoadError;

#[derive(Deserialize)]
struct Vocabulary {
    length: usize,
    pad: u32,
    start: u32,
    words: Vec<String>,
    synonyms: HashMap<String, String>,
}

/// Splits, maps synonyms, and drops what it does not know.
#[derive(Clone)]
pub struct Tokenizer {
    length: usize,
    pad: u32,
    start: u32,
    /// Words and synonyms alike.
    ids: HashMap<String, u32>,
    /// Words with an id of their own, by that id.
    words: Vec<String>,
}

impl Tokenizer {
    pub(super) fn load(json: &str) -> Result<Self, LoadError> {
        let Vocabulary { length, pad, start, words, synonyms } = serde_json::from_str(json)?;
        let mut ids: HashMap<String, u32> = words.iter().cloned().zip(0..).collect();
        for (synonym, word) in synonyms {
            if let Some(&id) = ids.get(&word) {
                // A synonym wins over a word of the same spelling, as it is looked up first.
                ids.insert(synonym, id);
            }
        }
        Ok(Self { length, pad, start, ids, words })
    }

    /// With more words, whose ids follow in this order. One that is known already keeps what it means.
    pub(super) fn extended(&self, words: &[String]) -> Self {
        let mut extended = self.clone();
        for (word, id) in words.iter().zip(self.words.len() as u32..) {
            extended.ids.entry(word.clone()).or_insert(id);
        }
        extended.words.extend_from_slice(words);
        extended
    }

    /// The id of a word.
    pub(super) fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(word).copied()
    }

    /// The words of a prompt that mean something to the model, each as what it stands for.
    pub(super) fn known(&self, prompt: &str) -> Vec<String> {
        let ids = words(prompt).filter_map(|word| self.id(&word));
        ids.filter_map(|id| self.words.get(id as usize).cloned()).collect()
    }

    /// Always of the same length; empty prompts are a start and padding.
    pub fn encode(&self, prompt: &str) -> Vec<u32> {
        let known = words(prompt).filter_map(|word| self.ids.get(&word).copied());
        let ids = std::iter::once(self.start).chain(known).chain(std::iter::repeat(self.pad));
        ids.take(self.length).collect()
    }

    /// Words of the prompt that mean nothing to the model, each once. Words that carry little are left out.
    pub fn unknown(&self, prompt: &str) -> Vec<String> {
        const LITTLE: [&str; 18] = [
            "a", "an", "the", "on", "in", "with", "of", "from", "to", "at", "is", "are", "picture", "image", "drawing",
            "video", "clip", "some",
        ];
        let is_unknown = |word: &String| !self.ids.contains_key(word) && !LITTLE.contains(&word.as_str());
        let lower = prompt.to_lowercase();
        // Words of other scripts are told whole, though what they hold of ASCII is read.
        let others = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_ascii()).map(str::to_owned);
        let mut seen = HashSet::new();
        words(prompt).filter(is_unknown).chain(others).filter(|word| seen.insert(word.clone())).collect()
    }

    /// How many words a prompt may have: of more, the last are not read.
    pub(super) fn room(&self) -> usize {
        self.length - 1
    }

    /// Which of `ids` are words rather than padding.
    pub fn is_word(&self, id: u32) -> bool {
        id != self.pad
    }
}

/// Runs of ASCII letters and digits, in lower case.
pub(super) fn words(prompt: &str) -> impl Iterator<Item = String> {
    let lower = prompt.to_lowercase();
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let words: Vec<String> = lower.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::load(super::super::VOCABULARY).unwrap()
    }

    #[test]
    fn synonyms_case_and_articles_do_not_matter() {
        let tokenizer = tokenizer();
        let plain = tokenizer.encode("red circle on blue background");
        assert_eq!(plain, tokenizer.encode("A CRIMSON disc, on the azure backdrop!"));
        assert_eq!((plain.len(), plain[0], plain[5..].iter().all(|&id| id == 0)), (24, 1, true));
    }

    #[test]
    fn a_long_prompt_is_cut_and_an_empty_one_is_a_start() {
        let tokenizer = tokenizer();
        assert!(tokenizer.encode(&"red ".repeat(100))[1..].iter().all(|&id| id == tokenizer.encode("red")[1]));
        assert_eq!(tokenizer.encode("☃ 写真 <pad>")[..2], [1, 0]);
    }

    #[test]
    fn words_that_mean_nothing_are_named_once() {
        assert_eq!(tokenizer().unknown("a cat, a red CAT on the moon with wings"), ["cat", "wings"]);
        assert_eq!(tokenizer().unknown("красный круг \u{2603} 写真"), ["красный", "круг", "写真"]);
        let many: Vec<String> = (0..50_000).map(|n| format!("w{n}")).collect();
        assert_eq!(tokenizer().unknown(&[many.join(" "), many.join(" ")].join(" ")), many);
    }
}
