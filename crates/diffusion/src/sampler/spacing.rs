//! Noise levels: how they were in training, and which of them a walk visits.

use super::settings::{Betas, Kind, Method, SamplerConfig, Spacing};

/// The exponent of the spacing that Karras and others proposed.
const RHO: f64 = 7.0;

pub(super) struct Levels {
    /// The times of the walk, falling.
    pub times: Vec<f64>,
    /// Noise over picture at each, and at the end.
    pub sigmas: Vec<f64>,
    /// How much of the picture's variance is left at each time of training.
    pub cumulated: Vec<f64>,
    /// The same after the last step.
    pub final_cumulated: f64,
    /// What noise is scaled with at the beginning.
    pub first: f64,
    /// Times of training between two steps.
    pub stride: f64,
    pub timestep_scaling: f64,
    pub clip: bool,
}

impl Levels {
    pub fn new(config: &SamplerConfig, method: Method, steps: usize) -> Self {
        let cumulated = cumulated(config);
        let trained: Vec<f64> =
            cumulated.iter().map(|&kept| f64::from((((1.0 - kept) / kept) as f32).sqrt())).collect();
        let mut times = times(config, method, steps);
        let mut sigmas: Vec<f64> = times.iter().map(|&time| interpolated(&trained, time)).collect();
        if method.karras {
            // The Euler method spaces between its own ends, the others between those of training.
            let ends = match method.kind {
                Kind::Euler => (sigmas[sigmas.len() - 1], sigmas[0]),
                _ => (trained[0], trained[trained.len() - 1]),
            };
            sigmas = karras(ends, steps);
            times = sigmas.iter().map(|&sigma| time_of(&trained, sigma)).collect();
            if method.kind != Kind::Euler {
                times = times.into_iter().map(f64::round_ties_even).collect();
            }
        }
        sigmas.push(0.0);
        let most = sigmas[0];
        let first = match (method.kind, method.spacing) {
            (Kind::Euler | Kind::EulerAncestral, Spacing::Leading) => (most * most + 1.0).sqrt(),
            (Kind::Euler | Kind::EulerAncestral, _) => most,
            _ => 1.0,
        };
        let whole = config.set_alpha_to_one.unwrap_or(method.kind != Kind::Linear);
        let final_cumulated = if whole { 1.0 } else { cumulated[0] };
        let stride = (cumulated.len() / steps.max(1)) as f64;
        let (timestep_scaling, clip) = (config.timestep_scaling, config.clip_sample);
        Self { times, sigmas, cumulated, final_cumulated, first, stride, timestep_scaling, clip }
    }

    pub fn sigma(&self, index: usize) -> f64 {
        self.sigmas[index.min(self.sigmas.len() - 1)]
    }

    /// The shares of picture and noise where their variances sum to one.
    pub fn parts(&self, index: usize) -> (f64, f64) {
        let sigma = self.sigma(index);
        let clean = 1.0 / (sigma * sigma + 1.0).sqrt();
        (clean, sigma * clean)
    }

    /// Half the logarithm of the ratio of signal to noise; infinite at the end.
    pub fn clarity(&self, index: usize) -> f64 {
        let (clean, noise) = self.parts(index);
        clean.ln() - noise.ln()
    }

    pub fn cumulated_at(&self, time: f64) -> f64 {
        if time < 0.0 { self.final_cumulated } else { self.cumulated[(time as usize).min(self.cumulated.len() - 1)] }
    }
}

/// In the reference's single precision, whose product is carried in double.
fn cumulated(config: &SamplerConfig) -> Vec<f64> {
    let count = config.num_train_timesteps;
    let (first, last) = match config.beta_schedule {
        Betas::Linear => (config.beta_start, config.beta_end),
        Betas::ScaledLinear => (config.beta_start.sqrt(), config.beta_end.sqrt()),
    };
    let step = (last as f32 - first as f32) / (count - 1) as f32;
    let beta = |at: usize| {
        // Counted from the nearer end.
        let even =
            if at < count / 2 { first as f32 + step * at as f32 } else { last as f32 - step * (count - 1 - at) as f32 };
        if config.beta_schedule == Betas::Linear { even } else { even * even }
    };
    let mut product = 1.0_f64;
    let mut values: Vec<f64> = (0..count)
        .map(|at| {
            product *= f64::from(1.0 - beta(at));
            f64::from(product as f32)
        })
        .collect();
    if config.rescale_betas_zero_snr {
        let (top, bottom) = (values[0].sqrt(), values[count - 1].sqrt());
        for kept in &mut values {
            *kept = ((kept.sqrt() - bottom) * top / (top - bottom)).powi(2);
        }
        // Almost nothing, so that the first level is not infinite.
        values[count - 1] = 2.0_f64.powi(-24);
    }
    values
}

fn times(config: &SamplerConfig, method: Method, steps: usize) -> Vec<f64> {
    let mut times = spaced(config, method, steps);
    // The linear method takes its second step twice, to have two answers to go by.
    if let (Kind::Linear, Some(&second)) = (method.kind, times.get(1)) {
        times.insert(1, second);
    }
    times
}

fn spaced(config: &SamplerConfig, method: Method, steps: usize) -> Vec<f64> {
    let (count, offset) = (config.num_train_timesteps as f64, config.steps_offset as f64);
    let one_more = matches!(method.kind, Kind::Multistep { .. } | Kind::Unified);
    if method.kind == Kind::Consistency {
        return consistency_times(config, steps);
    }
    match method.spacing {
        Spacing::Linspace if one_more => {
            (0..steps).map(|at| (count - 1.0 - at as f64 * (count - 1.0) / steps as f64).round_ties_even()).collect()
        }
        Spacing::Linspace => {
            let gaps = steps.saturating_sub(1).max(1) as f64;
            let even = |at: usize| (count - 1.0) * (steps - 1 - at) as f64 / gaps;
            // A walk of one step stays at the end of the line that is no line.
            let even = (0..steps).map(even);
            if matches!(method.kind, Kind::Implicit | Kind::Linear) {
                even.map(f64::round_ties_even).collect()
            } else {
                even.map(|t| f64::from(t as f32)).collect()
            }
        }
        Spacing::Leading => {
            let parts = if one_more { steps + 1 } else { steps };
            let ratio = (config.num_train_timesteps / parts) as f64;
            let skipped = usize::from(one_more);
            (0..steps).map(|at| (steps - 1 - at + skipped) as f64 * ratio + offset).collect()
        }
        Spacing::Trailing => {
            let ratio = count / steps as f64;
            (0..steps).map(|at| (count - at as f64 * ratio).round_ties_even() - 1.0).collect()
        }
    }
}

/// The times that the network was distilled at, thinned out.
fn consistency_times(config: &SamplerConfig, steps: usize) -> Vec<f64> {
    let all = config.original_inference_steps.max(1);
    let ratio = config.num_train_timesteps / all;
    let steps = steps.min(all);
    (0..steps).map(|at| (at * all) / steps).map(|at| ((all - at) * ratio) as f64 - 1.0).collect()
}

fn interpolated(values: &[f64], at: f64) -> f64 {
    let last = values.len() - 1;
    let low = (at.max(0.0) as usize).min(last);
    let share = at - low as f64;
    values[low] + (values[last.min(low + 1)] - values[low]) * share
}

fn karras((least, most): (f64, f64), steps: usize) -> Vec<f64> {
    let (low, high) = (least.powf(1.0 / RHO), most.powf(1.0 / RHO));
    let gaps = steps.saturating_sub(1).max(1) as f64;
    (0..steps).map(|at| (high + at as f64 / gaps * (low - high)).powf(RHO)).collect()
}

/// The time of training at which the noise was `sigma`, between two of them.
fn time_of(trained: &[f64], sigma: f64) -> f64 {
    let wanted = sigma.max(1e-10).ln();
    let above = trained.partition_point(|level| level.ln() <= wanted);
    let low = above.saturating_sub(1).min(trained.len() - 2);
    let (from, to) = (trained[low].ln(), trained[low + 1].ln());
    low as f64 + ((from - wanted) / (from - to)).clamp(0.0, 1.0)
}
