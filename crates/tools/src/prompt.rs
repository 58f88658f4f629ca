//! What the readers of prompts have in common: the words of a prompt, and what becomes of those that say nothing.

mod numbers;
mod phrase;

use std::sync::LazyLock;

use regex::Regex;

pub(crate) use self::{numbers::number, phrase::Phrase};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Word(&'a str),
    Comma,
    /// The end of a sentence, or of a part of it.
    Stop,
}

/// Fractions and decimals are words, and so are notes such as `f#3`.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\d+/\d+|\d*\.\d+\p{Alphabetic}*|[\p{Alphabetic}\p{N}#]+|[,.;:!?\n]";
    Regex::new(pattern).expect("the pattern is a regular expression")
});

pub(crate) fn tokens(prompt: &str) -> Vec<Token<'_>> {
    let token = |text| match text {
        "," => Token::Comma,
        "." | ";" | ":" | "!" | "?" | "\n" => Token::Stop,
        word => Token::Word(word),
    };
    TOKENS.find_iter(prompt).map(|found| token(found.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_fractions_and_notes_are_words_and_marks_are_none() {
        let words = ["1.5", "f#3", "c4", "1/2", ".5s", "x"].map(Token::Word);
        let [one, two, three, four, five, six] = words;
        assert_eq!(
            tokens("1.5 f#3, c4. (1/2) .5s; x"),
            [one, two, Token::Comma, three, Token::Stop, four, five, Token::Stop, six]
        );
    }
}
