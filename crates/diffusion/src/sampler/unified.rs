//! UniPC of second order: each step is corrected when the next one is known.

use candle_core::{Result, Tensor};

use super::{Sampler, Stepped, spacing::Levels};

const ORDER: usize = 2;

impl Sampler {
    pub(super) fn unified(&mut self, index: usize, said: &Tensor, latents: &Tensor) -> Result<Stepped> {
        let guess = self.guess(said, latents, self.levels.parts(index))?;
        let latents = match &self.history.last {
            Some((before, order)) => self.corrected(index, before, &guess, *order)?,
            None => latents.clone(),
        };
        self.history.guesses.push(guess.clone());
        if self.history.guesses.len() > ORDER {
            self.history.guesses.remove(0);
        }
        self.history.steps += 1;
        let order = ORDER.min(self.levels.times.len() - index).min(self.history.steps);
        let next = self.predicted(index, &latents, order)?;
        self.history.last = Some((latents, order));
        Ok(Stepped { latents: next, guess })
    }

    fn predicted(&self, index: usize, latents: &Tensor, order: usize) -> Result<Tensor> {
        let move_ = Move::new(&self.levels, index);
        let guesses = &self.history.guesses;
        let newest = &guesses[guesses.len() - 1];
        let next = move_.along(latents, newest)?;
        if order < 2 {
            return Ok(next);
        }
        let r = move_.back(&self.levels, index - 1);
        let change = ((&guesses[guesses.len() - 2] - newest)? / r)?;
        next - (change * (0.5 * move_.toward))?
    }

    /// The latents at `index` once more, now that the network has spoken about them.
    fn corrected(&self, index: usize, before: &Tensor, guess: &Tensor, order: usize) -> Result<Tensor> {
        let move_ = Move::new(&self.levels, index - 1);
        let guesses = &self.history.guesses;
        let newest = &guesses[guesses.len() - 1];
        let next = move_.along(before, newest)?;
        let change = (guess - newest)?;
        if order < 2 {
            return next - (change * (0.5 * move_.toward))?;
        }
        let r = move_.back(&self.levels, index - 2);
        let earlier = ((&guesses[guesses.len() - 2] - newest)? / r)?;
        let [first, second] = move_.weights();
        let share = (first - second) / (1.0 - r);
        next - (((earlier * share)? + (change * (first - share))?)? * move_.toward)?
    }
}

/// From one level to the next.
struct Move {
    kept: f64,
    /// The share of the guess at the next level, negative as the formulas have it.
    toward: f64,
    clarity: f64,
    h: f64,
}

impl Move {
    fn new(levels: &Levels, index: usize) -> Self {
        let (clean, noise) = levels.parts(index + 1);
        let (_, before) = levels.parts(index);
        let clarity = levels.clarity(index);
        let h = levels.clarity(index + 1) - clarity;
        Self { kept: noise / before, toward: clean * (-h).exp_m1(), clarity, h }
    }

    fn along(&self, latents: &Tensor, guess: &Tensor) -> Result<Tensor> {
        (latents * self.kept)? - (guess * self.toward)?
    }

    /// How far an older level lies behind, in lengths of this move: negative.
    fn back(&self, levels: &Levels, older: usize) -> f64 {
        (levels.clarity(older) - self.clarity) / self.h
    }

    /// The right-hand sides of the two conditions of second order.
    fn weights(&self) -> [f64; 2] {
        let grown = (-self.h).exp_m1();
        let first = grown / -self.h - 1.0;
        let second = first / -self.h - 0.5;
        [first / grown, 2.0 * second / grown]
    }
}
