//! Numbers in prompts.

const WORDS: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// `three`, or `3`; nothing is no number of things.
pub(crate) fn number(word: &str) -> Option<usize> {
    let spoken = WORDS.iter().position(|number| *number == word).map(|at| at + 1);
    spoken.or_else(|| word.parse().ok().filter(|count| *count > 0))
}
