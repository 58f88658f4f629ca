//! What a prompt leaves open, the seed decides. Frames are drawn by their words: where those say nothing, of a size or of a
//! background, each frame is inclined to decide alone.

mod said;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sketch::{tokens::Tokenizer, weights::LoadError};
use said::Said;

/// Words that may be added: a size, a colour, a shape, and three of a background.
const MOST_ADDED: usize = 6;

/// What may be said.
#[derive(Deserialize)]
pub(super) struct Completion {
    shapes: Vec<String>,
    /// By how an object moves.
    sizes: BTreeMap<String, Vec<String>>,
    /// For each colour, those that it stands out from.
    backgrounds: BTreeMap<String, Vec<String>>,
}

impl Completion {
    /// From the file of the vocabulary.
    pub fn load(json: &str) -> Result<Self, LoadError> {
        #[derive(Deserialize)]
        struct File {
            open: Completion,
        }
        Ok(serde_json::from_str::<File>(json)?.open)
    }

    /// What is drawn for a prompt: the words that are understood, as many as are read, and what they leave open.
    pub fn complete(&self, prompt: &str, tokenizer: &Tokenizer, seed: u64) -> String {
        let mut known = tokenizer.known(prompt);
        known.truncate(tokenizer.room().saturating_sub(MOST_ADDED));
        let mut said = Said::read(known, |word| self.is_of_background(word));
        let mut choose = Choice(seed);
        let size = choose.among(self.sizes_left_open(&said));
        let colour = self.backgrounds.keys().find(|colour| said.of_object(colour));
        let own = colour.or_else(|| choose.among(&self.colours_upon(&said.background)).copied());
        let shape = choose.among(if said.one_of(&self.shapes) { &[] } else { &self.shapes });
        let grounds = own.and_then(|colour| self.backgrounds.get(colour)).filter(|_| !said.names_background);
        if let Some(ground) = grounds.and_then(|grounds| choose.among(grounds)) {
            said.background.push(ground.clone());
        }
        let added = [size, own.filter(|_| colour.is_none()), shape].into_iter().flatten();
        said.written(&added.cloned().collect::<Vec<_>>())
    }

    fn sizes_left_open(&self, said: &Said) -> &[String] {
        let is_said = self.sizes.values().any(|sizes| said.one_of(sizes));
        if is_said || said.changes_size() { &[] } else { self.sizes.get(said.pace()).map_or(&[], Vec::as_slice) }
    }

    /// Colours that stand out from a background; of one that the model was not taught, all that it does not name.
    fn colours_upon(&self, background: &[String]) -> Vec<&String> {
        let name = background.join(" ");
        let mut known = self.backgrounds.values().flatten();
        let is_known = name.is_empty() || known.any(|ground| *ground == name);
        let stands_out = |colour: &String, grounds: &[String]| {
            if is_known { name.is_empty() || grounds.contains(&name) } else { !background.contains(colour) }
        };
        self.backgrounds
            .iter()
            .filter(|(colour, grounds)| stands_out(colour, grounds))
            .map(|(colour, _)| colour)
            .collect()
    }

    fn is_of_background(&self, word: &str) -> bool {
        let grounds = self.backgrounds.values().flatten();
        self.backgrounds.contains_key(word) || grounds.flat_map(|ground| ground.split(' ')).any(|part| part == word)
    }
}

/// A stream of choices.
struct Choice(u64);

impl Choice {
    fn among<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let at = (mixed ^ (mixed >> 31)).checked_rem(of.len() as u64)?;
        of.get(at as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::video::VIDEO_VOCABULARY;

    fn complete(prompt: &str, seed: u64) -> String {
        let tokenizer = Tokenizer::load(VIDEO_VOCABULARY).unwrap();
        Completion::load(VIDEO_VOCABULARY).unwrap().complete(prompt, &tokenizer, seed)
    }

    #[test]
    fn a_prompt_that_says_all_is_left_as_it_is() {
        let all = "a small red circle moving right on a light blue background";
        assert_eq!(complete(all, 7), all);
        let growing = "On a gray gradient backdrop, one WHITE star grows bigger with a cat.";
        assert_eq!(complete(growing, 7), "one white star growing growing on a gray gradient background");
    }

    #[test]
    fn what_is_left_open_differs_from_seed_to_seed_and_not_with_one_seed() {
        let seen: std::collections::BTreeSet<_> =
            (0..200).map(|seed| complete("a red circle moving left", seed)).collect();
        // Two sizes, and the backgrounds that red stands out from.
        assert!(seen.len() > 6, "{seen:?}");
        for prompt in &seen {
            assert!(prompt.contains("red circle moving left on a ") && prompt.ends_with(" background"), "{prompt}");
            assert!(prompt.starts_with("a small ") || prompt.starts_with("a medium "), "{prompt}");
            assert_eq!(complete(prompt, 3), *prompt);
        }
    }

    #[test]
    fn colours_are_told_from_those_of_the_background_and_stand_out_from_it() {
        for seed in 0..100 {
            let found = complete("a ring shrinking on a white background", seed);
            assert!(
                !found.contains("white ring") && found.ends_with("ring shrinking on a white background"),
                "{found}"
            );
            assert!(!complete("white heart, still", seed).contains("on a white background"));
        }
    }

    #[test]
    fn nothing_at_all_becomes_a_shape_on_a_background() {
        for prompt in ["", "  .", "\u{2603}\0 cats and dogs"] {
            let found = complete(prompt, 1);
            assert!(found.starts_with("a ") && found.ends_with("background"), "{found}");
        }
        assert!(complete("something fast, moving up", 4).starts_with("a small "));
    }

    #[test]
    fn backgrounds_that_the_model_was_not_taught_leave_no_colour_open() {
        for (prompt, not) in [
            ("a ring on a blue background", "blue ring"),
            ("a ring on a red background", "red ring"),
            ("a ring on a background of white", "white ring"),
        ] {
            for seed in 0..60 {
                let found = complete(prompt, seed);
                assert!(!found.contains(not) && found.split(' ').count() == 8, "{found}");
            }
        }
    }

    #[test]
    fn what_is_added_to_a_long_prompt_is_read() {
        let found = complete(&"moving ".repeat(500), 1);
        let tokenizer = Tokenizer::load(VIDEO_VOCABULARY).unwrap();
        assert!(tokenizer.known(&found).len() <= tokenizer.room() && found.ends_with("background"), "{found}");
    }
}
