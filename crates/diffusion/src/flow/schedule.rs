//! Noise levels of flow matching, as diffusers' `FlowMatchEulerDiscreteScheduler` spaces them.

use std::path::Path;

use candle_core::{Result, Tensor};
use serde::Deserialize;

use crate::{LoadError, config};

/// A repository's `scheduler_config.json`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default)]
pub struct Schedule {
    num_train_timesteps: u32,
    shift: f32,
    use_dynamic_shifting: bool,
    base_shift: Option<f64>,
    max_shift: Option<f64>,
    base_image_seq_len: Option<u32>,
    max_image_seq_len: Option<u32>,
    time_shift_type: String,
    shift_terminal: Option<f64>,
    invert_sigmas: bool,
    use_karras_sigmas: Option<bool>,
    use_exponential_sigmas: Option<bool>,
    use_beta_sigmas: Option<bool>,
    stochastic_sampling: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            num_train_timesteps: 1000,
            shift: 1.0,
            use_dynamic_shifting: false,
            base_shift: None,
            max_shift: None,
            base_image_seq_len: None,
            max_image_seq_len: None,
            time_shift_type: "exponential".into(),
            shift_terminal: None,
            invert_sigmas: false,
            use_karras_sigmas: None,
            use_exponential_sigmas: None,
            use_beta_sigmas: None,
            stochastic_sampling: false,
        }
    }
}

/// Where the levels start from before they are shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// From 1 down to one step's share.
    Even,
    /// From the highest to the lowest level of training.
    Trained,
}

impl Schedule {
    /// Reads `scheduler_config.json`, and refuses what is not implemented here.
    pub fn read(path: &Path) -> std::result::Result<Self, LoadError> {
        let wrong = |reason: String| config::wrong(path, reason);
        let schedule: Self = config::read(path)?;
        let others = [
            ("use_karras_sigmas", schedule.use_karras_sigmas.unwrap_or(false)),
            ("use_exponential_sigmas", schedule.use_exponential_sigmas.unwrap_or(false)),
            ("use_beta_sigmas", schedule.use_beta_sigmas.unwrap_or(false)),
            ("invert_sigmas", schedule.invert_sigmas),
            ("stochastic_sampling", schedule.stochastic_sampling),
            ("shift_terminal", schedule.shift_terminal.is_some()),
        ];
        if let Some((name, _)) = others.iter().find(|(_, set)| *set) {
            return Err(wrong(format!("`{name}` is set, and these pipelines have no such schedule")));
        }
        if !["exponential", "linear"].contains(&schedule.time_shift_type.as_str()) {
            return Err(wrong(format!(
                "`time_shift_type` is `{}`: expected `exponential` or `linear`",
                schedule.time_shift_type
            )));
        }
        Ok(schedule)
    }

    /// `steps + 1` noise levels, the last of them 0, for a picture of so many tokens.
    pub fn levels(&self, steps: u32, tokens: usize, spacing: Spacing) -> Vec<f32> {
        let (first, last) = match spacing {
            Spacing::Even => (1.0, 1.0 / f64::from(steps)),
            Spacing::Trained => {
                let lowest = 1.0 / self.num_train_timesteps as f32;
                if self.use_dynamic_shifting {
                    (1.0, f64::from(lowest))
                } else {
                    (1.0, f64::from(self.shifted(lowest)))
                }
            }
        };
        let apart = (last - first) / f64::from(steps.max(2) - 1);
        let even = (0..steps).map(|n| (first + apart * f64::from(n)) as f32);
        let shifted =
            even.map(|level| if self.use_dynamic_shifting { self.moved(level, tokens) } else { self.shifted(level) });
        shifted.chain([0.0]).collect()
    }

    /// The levels of a walk that begins with a picture: the later ones, by `strength`, and at least one step.
    pub fn levels_from(levels: Vec<f32>, strength: f64) -> Vec<f32> {
        let steps = levels.len() - 1;
        let skipped = (steps as f64 - (steps as f64 * strength).min(steps as f64)).max(0.0) as usize;
        levels.into_iter().skip(skipped.min(steps.saturating_sub(1))).collect()
    }

    /// What a network takes as the time of a level.
    pub fn time(&self, level: f32) -> f64 {
        f64::from(level) * f64::from(self.num_train_timesteps)
    }

    fn shifted(&self, level: f32) -> f32 {
        self.shift * level / (1.0 + (self.shift - 1.0) * level)
    }

    /// Larger pictures stay longer where the noise is high.
    fn moved(&self, level: f32, tokens: usize) -> f32 {
        let (base, most) = (self.base_shift.unwrap_or(0.5), self.max_shift.unwrap_or(1.15));
        let least = f64::from(self.base_image_seq_len.unwrap_or(256));
        let largest = f64::from(self.max_image_seq_len.unwrap_or(4096));
        let slope = (most - base) / (largest - least);
        let mu = tokens as f64 * slope + (base - slope * least);
        let factor = if self.time_shift_type == "linear" { mu } else { mu.exp() };
        (factor / (factor + (1.0 / f64::from(level) - 1.0))) as f32
    }
}

/// One step of Euler's method.
pub fn step(x: &Tensor, velocity: &Tensor, level: f32, next: f32) -> Result<Tensor> {
    x + (velocity * f64::from(next - level))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(json: &str) -> Schedule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_walk_that_begins_with_a_picture_skips_the_first_levels() {
        let schedule = schedule(r#"{ "shift": 1.0 }"#);
        let levels = schedule.levels(4, 0, Spacing::Even);
        assert_eq!(levels, [1.0, 0.75, 0.5, 0.25, 0.0]);
        assert_eq!(Schedule::levels_from(levels.clone(), 0.5), [0.5, 0.25, 0.0]);
        assert_eq!(Schedule::levels_from(levels.clone(), 1.0).len(), 5);
        assert_eq!(Schedule::levels_from(levels, 0.01), [0.25, 0.0]);
    }

    #[test]
    fn a_schedule_that_is_not_implemented_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scheduler_config.json");
        std::fs::write(&path, r#"{ "shift": 3.0, "use_beta_sigmas": true }"#).unwrap();
        let error = Schedule::read(&path).unwrap_err().to_string();
        assert!(error.contains("`use_beta_sigmas` is set"), "{error}");
    }
}
