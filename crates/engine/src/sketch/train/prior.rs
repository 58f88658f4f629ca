//! What the model draws already: prompts in its own words and its pictures of them, mixed into the batches so that it goes
//! on drawing them.

use candle_core::{Result, Tensor};
use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{
    super::sample::{Sampling, sample},
    Parts,
};

/// The most pictures that are kept in mind.
const MOST: u32 = 64;
/// For each step of a run: a short one does not look at more.
const EACH_STEP: u32 = 3;
/// Fewer than for a picture that is looked at: only its structure matters here.
const STEPS: u32 = if cfg!(test) { 2 } else { 12 };
/// Pictures before the first step, and how many more before each of the next ones: nobody waits long for the first.
const FIRST: usize = 8;
const MORE: usize = 4;

const SHAPES: [&str; 8] = ["circle", "square", "triangle", "star", "heart", "ring", "cross", "moon"];
const COLOURS: [&str; 10] = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white", "brown"];
const SIZES: [&str; 4] = ["", "small ", "medium ", "large "];
const TEXTURES: [&str; 6] = ["", "", "", "striped ", "dotted ", "checkered "];
const PLACES: [&str; 7] =
    ["", "", " on the left", " on the right", " at the top", " at the bottom", " in the top left corner"];
const RELATIONS: [&str; 4] = [" left of a ", " right of a ", " above a ", " below a "];
const COUNTS: [&str; 3] = ["two", "three", "four"];
const GROUNDS: [&str; 7] = ["white", "black", "gray", "light blue", "light green", "beige", "navy"];

/// Prompts of one thing, of several alike, and of two in a relation; the same for the same seed.
pub(super) fn prompts(seed: u64, steps: u32) -> Vec<String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = MOST.min(EACH_STEP.saturating_mul(steps));
    (0..count as usize).map(|number| prompt(&mut rng, number)).collect()
}

fn prompt(rng: &mut StdRng, number: usize) -> String {
    // A thing does not stand out from a ground of its own colour.
    let ground = pick(rng, &GROUNDS);
    let mut thing = |plural: bool| {
        let colour = std::iter::repeat_with(|| pick(rng, &COLOURS)).find(|colour| !ground.contains(colour));
        let shape = pick(rng, &SHAPES);
        let many = if !plural {
            ""
        } else if shape == "cross" {
            "es"
        } else {
            "s"
        };
        format!("{}{}{} {shape}{many}", pick(rng, &SIZES), pick(rng, &TEXTURES), colour.unwrap_or("red"))
    };
    let core = match number % 3 {
        0 => format!("a {}{}", thing(false), pick(rng, &PLACES)),
        1 => format!("{} {}", COUNTS[number / 3 % COUNTS.len()], thing(true)),
        _ => format!("a {}{}{}", thing(false), RELATIONS[number / 3 % RELATIONS.len()], thing(false)),
    };
    format!("{core} on a {ground} background")
}

fn pick<'a>(rng: &mut StdRng, words: &[&'a str]) -> &'a str {
    words.choose(rng).copied().unwrap_or_default()
}

/// How many pictures a step has to choose from, when `done` steps were made and there are `all` prompts.
pub(super) fn count(done: u32, all: usize) -> usize {
    (done as usize).saturating_mul(MORE).saturating_add(FIRST).min(all)
}

/// The network's own pictures of the prompts from `first` on, (1, 3, 64, 64) each.
pub(super) fn pictures(
    Parts { network, tokenizer, workers }: &Parts,
    prompts: &[String],
    first: usize,
) -> Result<Vec<Tensor>> {
    let guidance = network.defaults().guidance;
    let draw = |(number, prompt): (usize, &String)| {
        let (words, other) = (network.read(&tokenizer.encode(prompt))?, network.read(&tokenizer.encode(""))?);
        let prompt = &network.prompt(&[&words, &other])?;
        let sampling = Sampling { network, prompt, guidance, steps: STEPS, seed: (first + number) as u64, begin: None };
        sample(&sampling, |_, _, _| Result::Ok(()))
    };
    workers.each(prompts, draw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_waits_for_a_few_pictures_and_soon_there_are_all() {
        let counts: Vec<usize> = (0..16).map(|done| count(done, 64)).collect();
        assert_eq!((counts[0], counts[1], counts[14], counts[15]), (8, 12, 64, 64));
        assert_eq!((count(0, 3), count(u32::MAX, 64)), (3, 64));
    }

    #[test]
    fn every_word_of_the_prompts_is_one_that_the_model_knows() {
        let tokenizer = crate::sketch::Tokenizer::load(super::super::VOCABULARY).unwrap();
        let all = prompts(7, 400);
        assert_eq!((all.len(), &all), (64, &prompts(7, 400)));
        for prompt in all {
            assert_eq!(tokenizer.unknown(&prompt), [""; 0], "{prompt}");
            assert!(prompt.split_whitespace().count() < 24, "{prompt}");
        }
    }
}
