//! A run in progress: what learns, what it learns from, and how far it is.

use candle_core::{Result, Tensor};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    super::{
        WEIGHTS,
        lora::Lora,
        network::Network,
        plan::preview,
        sample::{Sampling, sample},
        tokens::Tokenizer,
        weights::{LoadError, Weights},
    },
    Parts,
    adapters::Adapters,
    checkpoint::{Checkpoint, State},
    dataset::Dataset,
    input::Call,
    optimizer::Adam,
    prior,
    step::{Item, gradients},
};
use crate::{Picture, RunError, Watch};

/// Which of a batch's pictures are of the model's own drawing: spread, so that threads have equal work.
const BATCH: [bool; 8] = [false, false, true, false, true, false, true, false];
const WARM_UP: f64 = 10.0;
/// The learning rate ends at this share of itself.
const LEAST_RATE: f64 = 0.05;
/// New words begin further from where they should be than the matrices do.
const WORD_RATE: f64 = 10.0;
const SAMPLE_STEPS: u32 = 12;

pub(super) struct Run<'a> {
    parts: &'a Parts,
    call: &'a Call,
    captions: &'a [String],
    pictures: Vec<(Tensor, Vec<u32>)>,
    /// Pictures of the model's own, as many as were drawn so far.
    kept: Vec<Tensor>,
    prompts: Vec<String>,
    kept_ids: Vec<Vec<u32>>,
    adapters: Adapters,
    adam: Adam,
    network: Network,
    tokenizer: Tokenizer,
    pub seed: u64,
    /// A running mean; `None` before the first step.
    pub loss: Option<f64>,
}

impl<'a> Run<'a> {
    /// Anew, or from a checkpoint.
    pub fn begin(
        parts: &'a Parts,
        call: &'a Call,
        dataset: &'a Dataset,
        found: Option<Checkpoint>,
        watch: &mut dyn Watch,
    ) -> std::result::Result<Self, RunError> {
        let seed = found.as_ref().map_or(call.seed, |found| found.about.seed);
        let weights = Weights::read(WEIGHTS).map_err(failed)?;
        let adapters = Adapters::new(&weights, &parts.tokenizer, call.rank, &dataset.words, seed).map_err(failed)?;
        let mut adam = Adam::new(&adapters.variables());
        let prompts = prior::prompts(seed, call.steps);
        let kept = match &found {
            Some(found) => {
                watch.note(&format!("going on after step {}, which an earlier attempt reached", found.about.step));
                found.restore(&adapters.variables(), &mut adam).map_err(|error| RunError::Computation(error.into()))?;
                found.kept().map_err(|error| RunError::Computation(error.into()))?
            }
            None => Vec::new(),
        };
        let tokenizer = parts.tokenizer.extended(&dataset.words);
        let ids = |text: &String| tokenizer.encode(text);
        Ok(Self {
            network: Network::from_weights(&adapters.beside(weights)).map_err(failed)?,
            pictures: dataset.pictures.iter().cloned().zip(dataset.captions.iter().map(ids)).collect(),
            kept_ids: prompts.iter().map(ids).collect(),
            prompts,
            captions: &dataset.captions,
            loss: found.map(|found| found.about.loss),
            parts,
            call,
            kept,
            adapters,
            adam,
            tokenizer,
            seed,
        })
    }

    /// Steps made.
    pub fn done(&self) -> u32 {
        self.adam.steps
    }

    /// Makes one step and returns its loss. What it draws depends on the seed and its number alone.
    pub fn step(&mut self) -> Result<f64> {
        self.draw_what_is_kept()?;
        let number = u64::from(self.adam.steps) + 1;
        let mut rng = StdRng::seed_from_u64(self.seed ^ (number << 32));
        let batch: Vec<Item<'_>> = BATCH.iter().map(|&kept| self.item(&mut rng, kept)).collect();
        let variables = self.adapters.variables();
        let networks = (&self.network, &self.parts.network);
        let (loss, mut found) = gradients(&self.parts.workers, networks, &variables, &batch, rng.random())?;
        let rate = self.call.learning_rate * schedule(number as f64, f64::from(self.call.steps));
        let matrices = self.adapters.matrices();
        self.adam.step(&variables, &mut found, |n| if n < matrices { rate } else { rate * WORD_RATE })?;
        Ok(loss)
    }

    /// The same pictures at the same step, whether the run was stopped in between or not.
    fn draw_what_is_kept(&mut self) -> Result<()> {
        let (has, wanted) = (self.kept.len(), prior::count(self.adam.steps, self.prompts.len()));
        if has < wanted {
            self.kept.extend(prior::pictures(self.parts, &self.prompts[has..wanted], has)?);
        }
        Ok(())
    }

    fn item(&self, rng: &mut StdRng, kept: bool) -> Item<'_> {
        if kept {
            let at = rng.random_range(0..self.kept.len());
            return Item { picture: &self.kept[at], ids: &self.kept_ids[at], kept };
        }
        let (picture, ids) = &self.pictures[rng.random_range(0..self.pictures.len())];
        Item { picture, ids, kept }
    }

    /// A picture by what has been learned so far, of one of the captions.
    pub fn sample(&self, number: u32) -> Option<Picture> {
        let caption = &self.captions[number as usize % self.captions.len()];
        let drawn = self.parts.workers.each(&[caption], |(_, caption)| self.draw(caption)).ok()?;
        preview(drawn.first()?)
    }

    /// Without gradients, which the network that is being trained would collect over all steps.
    fn draw(&self, caption: &str) -> Result<Tensor> {
        let network = self.finished().map_err(candle_core::Error::wrap)?;
        let (words, other) =
            (network.read(&self.tokenizer.encode(caption))?, network.read(&self.tokenizer.encode(""))?);
        let (guidance, prompt) = (network.defaults().guidance, &network.prompt(&[&words, &other])?);
        let (network, seed) = (&network, self.seed);
        let sampling = Sampling { network, prompt, guidance, steps: SAMPLE_STEPS, seed, begin: None };
        network.refine(&sample(&sampling, |_, _, _| Result::Ok(()))?)
    }

    fn finished(&self) -> std::result::Result<Network, LoadError> {
        let mut weights = Weights::read(WEIGHTS)?;
        self.adapters.lora()?.merge(&mut weights, 1.0)?;
        Network::from_weights(&weights)
    }

    pub fn lora(&self) -> Result<Lora> {
        self.adapters.lora()
    }

    /// Hands what a checkpoint holds to `save`.
    pub fn saved<T>(&self, save: impl FnOnce(&State<'_>) -> T) -> T {
        let variables = self.adapters.variables();
        let (step, loss) = (self.adam.steps, self.loss.unwrap_or_default());
        save(&State { step, seed: self.seed, loss, variables: &variables, adam: &self.adam, kept: &self.kept })
    }
}

/// The share of the learning rate that a step gets: a short rise, then a cosine down.
fn schedule(step: f64, total: f64) -> f64 {
    let fall = 0.5 + 0.5 * (std::f64::consts::PI * (step - 1.0) / total).cos();
    (step / WARM_UP).min(1.0) * (LEAST_RATE + (1.0 - LEAST_RATE) * fall)
}

fn failed(error: LoadError) -> RunError {
    RunError::Computation(error.into())
}
