//! The linear multistep method (PLMS), without its Runge-Kutta start: what Stable Diffusion 1.x was published with.

use candle_core::{Result, Tensor};

use super::{Sampler, Stepped};

/// Answers of the network that a step goes by, the oldest first, by how many there are.
const SHARES: [&[f64]; 4] = [
    &[1.0],
    &[-1.0 / 2.0, 3.0 / 2.0],
    &[5.0 / 12.0, -16.0 / 12.0, 23.0 / 12.0],
    &[-9.0 / 24.0, 37.0 / 24.0, -59.0 / 24.0, 55.0 / 24.0],
];

impl Sampler {
    pub(super) fn linear(&mut self, index: usize, said: &Tensor, latents: &Tensor) -> Result<Stepped> {
        let (time, stride) = (self.levels.times[index], self.levels.stride);
        let number = self.history.steps;
        self.history.steps += 1;
        if number == 1 {
            // The first step once more, by the mean of what was said at both of its ends.
            let first = &self.history.guesses[0];
            let mean = ((said + first)? / 2.0)?;
            let begun = self.history.last.take().map_or_else(|| latents.clone(), |(begun, _)| begun);
            return self.moved(&mean, &begun, (time + stride, time));
        }
        if number == 0 {
            self.history.last = Some((latents.clone(), 1));
        }
        let answers = &mut self.history.guesses;
        if answers.len() == SHARES.len() {
            answers.remove(0);
        }
        answers.push(said.clone());
        let shares = SHARES[answers.len() - 1];
        let mut mixed = (&answers[0] * shares[0])?;
        for (answer, share) in answers.iter().zip(shares).skip(1) {
            mixed = (mixed + (answer * *share)?)?;
        }
        self.moved(&mixed, latents, (time, time - stride))
    }

    /// From one time to another along what the network says.
    fn moved(&self, said: &Tensor, latents: &Tensor, (from, to): (f64, f64)) -> Result<Stepped> {
        let (kept, next) = (self.levels.cumulated_at(from), self.levels.cumulated_at(to));
        let parts = (kept.sqrt(), (1.0 - kept).sqrt());
        let guess = self.guess(said, latents, parts)?;
        let noise = self.noise(said, latents, &guess, parts)?;
        let whole = kept * (1.0 - next).sqrt() + (kept * (1.0 - kept) * next).sqrt();
        let latents = ((latents * (next / kept).sqrt())? - (noise * ((next - kept) / whole))?)?;
        Ok(Stepped { latents, guess })
    }
}
