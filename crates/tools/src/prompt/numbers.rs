//! Numbers in prompts.

const WORDS: [&str; 20] = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];
const TENS: [&str; 7] = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// `three`, or `3`; nothing is no number of things.
pub(crate) fn number(word: &str) -> Option<usize> {
    let place = |words: &[&str]| words.iter().position(|number| *number == word);
    let spoken = place(&WORDS).map(|at| at + 1).or_else(|| place(&TENS).map(|at| at * 10 + 30));
    spoken.or_else(|| word.parse().ok().filter(|count| *count > 0))
}
