//! Flow matching: a picture `x0` and noise are the ends of a line, `x_t = (1 - t) x0 + t noise`. A network
//! that guesses the clean picture from any point on it gives the direction, and Euler steps follow it.

use candle_core::{Result, Tensor};

/// How noise levels are spaced and where the walk is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// More than 1 spends more steps where the noise is high, which is where the structure is decided.
    pub shift: f32,
    /// The velocity divides by the level; below this the divisor is held.
    pub least: f32,
}

impl Schedule {
    /// `steps + 1` noise levels from 1 to 0.
    pub fn levels(&self, steps: u32) -> Vec<f32> {
        let even = (0..=steps).map(|i| 1.0 - f64::from(i) / f64::from(steps));
        let shift = f64::from(self.shift);
        even.map(|u| (shift * u / (1.0 + (shift - 1.0) * u)) as f32).collect()
    }

    /// The levels of a walk that begins with a picture: those not above `strength`.
    pub fn levels_from(&self, steps: u32, strength: f32) -> Vec<f32> {
        self.levels(steps).into_iter().filter(|&level| level <= strength + 1e-6).collect()
    }

    /// From `level` to `next`, toward the guess `clean`.
    pub fn step(&self, x: &Tensor, clean: &Tensor, level: f32, next: f32) -> Result<Tensor> {
        x + ((x - clean)? * f64::from((next - level) / level.max(self.least)))?
    }
}

/// The point at `level` on the line from `clean` to `noise`.
pub fn between(clean: &Tensor, noise: &Tensor, level: f32) -> Result<Tensor> {
    (clean * f64::from(1.0 - level))? + (noise * f64::from(level))?
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    const SCHEDULE: Schedule = Schedule { shift: 3.0, least: 0.05 };

    #[test]
    fn levels_fall_from_noise_to_picture_and_stay_high_for_long() {
        let levels = SCHEDULE.levels(4);
        assert_eq!(levels, [1.0, 0.9, 0.75, 0.5, 0.0]);
        assert_eq!(SCHEDULE.levels_from(4, 0.75), [0.75, 0.5, 0.0]);
        assert_eq!(SCHEDULE.levels_from(4, 0.0), [0.0]);
    }

    #[test]
    fn a_right_guess_at_every_level_ends_at_the_picture() {
        let picture = Tensor::new(&[0.5_f32, -1.0], &Device::Cpu).unwrap();
        let noise = Tensor::new(&[2.0_f32, 1.0], &Device::Cpu).unwrap();
        let levels = SCHEDULE.levels(8);
        let mut x = between(&picture, &noise, levels[0]).unwrap();
        for pair in levels.windows(2) {
            x = SCHEDULE.step(&x, &picture, pair[0], pair[1]).unwrap();
        }
        let off = (x - picture).unwrap().abs().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
        assert!(off < 1e-6);
    }
}
