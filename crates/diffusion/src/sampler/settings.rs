//! What `scheduler/scheduler_config.json` says, and the names that callers choose by.

use serde::Deserialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    #[default]
    Epsilon,
    VPrediction,
    Sample,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    Linspace,
    Leading,
    Trailing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Betas {
    Linear,
    ScaledLinear,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct SamplerConfig {
    #[serde(rename = "_class_name")]
    pub class: String,
    pub num_train_timesteps: usize,
    pub beta_start: f64,
    pub beta_end: f64,
    pub beta_schedule: Betas,
    pub prediction_type: Prediction,
    /// Each method has its own default.
    pub timestep_spacing: Option<Spacing>,
    pub steps_offset: usize,
    /// Each method has its own default here, too.
    pub set_alpha_to_one: Option<bool>,
    /// Of the linear method, which begins with other steps where this is not set.
    pub skip_prk_steps: bool,
    pub rescale_betas_zero_snr: bool,
    pub use_karras_sigmas: Option<bool>,
    pub original_inference_steps: usize,
    pub timestep_scaling: f64,
    /// Only the implicit method obeys it, and cuts its guesses at one.
    pub clip_sample: bool,
}

impl Default for SamplerConfig {
    fn default() -> Self {
        Self {
            class: "EulerDiscreteScheduler".into(),
            num_train_timesteps: 1000,
            beta_start: 0.000_85,
            beta_end: 0.012,
            beta_schedule: Betas::ScaledLinear,
            prediction_type: Prediction::Epsilon,
            timestep_spacing: None,
            steps_offset: 0,
            set_alpha_to_one: None,
            skip_prk_steps: false,
            rescale_betas_zero_snr: false,
            use_karras_sigmas: None,
            original_inference_steps: 50,
            timestep_scaling: 10.0,
            clip_sample: false,
        }
    }
}

const PLMS: &str = "PLMS";
const SUBSTITUTE: &str = "DPM++ 2M";

/// The names that `scheduler` may have.
pub const NAMES: &[&str] = &[
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Karras",
    "Euler",
    "Euler A",
    "Euler (trailing timesteps)",
    "LCM",
    "DDIM",
    "UniPC",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Euler,
    EulerAncestral,
    /// DPM-Solver++ of second order.
    Multistep {
        stochastic: bool,
    },
    Unified,
    Consistency,
    Implicit,
    /// The linear multistep method (PLMS), which has no name that callers use.
    Linear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub kind: Kind,
    pub karras: bool,
    pub spacing: Spacing,
}

impl SamplerConfig {
    pub(super) fn method(&self, name: Option<&str>) -> Method {
        let own = self.use_karras_sigmas.unwrap_or(false);
        let steps = |stochastic, karras| (Kind::Multistep { stochastic }, karras);
        let (kind, karras) = match name.unwrap_or_else(|| self.named()) {
            "Euler" | "Euler (trailing timesteps)" => (Kind::Euler, own && name.is_none()),
            "Euler A" => (Kind::EulerAncestral, false),
            "DPM++ 2M Karras" => steps(false, true),
            "DPM++ 2M SDE" => steps(true, false),
            "DPM++ 2M SDE Karras" => steps(true, true),
            "LCM" => (Kind::Consistency, false),
            "DDIM" => (Kind::Implicit, false),
            "UniPC" => (Kind::Unified, own && name.is_none()),
            PLMS if name.is_none() => (Kind::Linear, false),
            _ => steps(false, own && name.is_none()),
        };
        let default = if matches!(kind, Kind::Implicit | Kind::Linear) { Spacing::Leading } else { Spacing::Linspace };
        let spacing = match name {
            Some("Euler (trailing timesteps)") => Spacing::Trailing,
            _ => self.timestep_spacing.unwrap_or(default),
        };
        Method { kind, karras, spacing }
    }

    /// The method that the model was published with. In the place of what this program has no code for stands the
    /// multistep solver, which draws much the same in fewer steps.
    fn named(&self) -> &'static str {
        self.own().unwrap_or(SUBSTITUTE)
    }

    fn own(&self) -> Option<&'static str> {
        Some(match self.class.as_str() {
            "EulerDiscreteScheduler" => "Euler",
            "EulerAncestralDiscreteScheduler" => "Euler A",
            "LCMScheduler" => "LCM",
            "DDIMScheduler" => "DDIM",
            "UniPCMultistepScheduler" => "UniPC",
            "DPMSolverMultistepScheduler" => "DPM++ 2M",
            "PNDMScheduler" if self.skip_prk_steps => PLMS,
            _ => return None,
        })
    }

    /// What to tell somebody who gets another method than the model was published with.
    pub fn substitution(&self) -> Option<String> {
        let (class, none) = (&self.class, self.own().is_none());
        none.then(|| {
            format!("the model was published with `{class}`, which is not computed here: {SUBSTITUTE} is used")
        })
    }
}
