//! `config.json` of VITS. Published files may leave out what is as in the paper.

use serde::Deserialize;

use crate::weights::LoadError;

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub window_size: usize,
    pub ffn_dim: usize,
    pub ffn_kernel_size: usize,
    pub flow_size: usize,
    pub hidden_act: String,
    pub layer_norm_eps: f32,
    pub use_stochastic_duration_prediction: bool,
    pub num_speakers: usize,
    pub upsample_initial_channel: usize,
    pub upsample_rates: Vec<usize>,
    pub upsample_kernel_sizes: Vec<usize>,
    pub resblock_kernel_sizes: Vec<usize>,
    pub resblock_dilation_sizes: Vec<Vec<usize>>,
    pub leaky_relu_slope: f32,
    pub depth_separable_channels: usize,
    pub depth_separable_num_layers: usize,
    pub duration_predictor_flow_bins: usize,
    pub duration_predictor_tail_bound: f32,
    pub duration_predictor_kernel_size: usize,
    pub duration_predictor_num_flows: usize,
    pub prior_encoder_num_flows: usize,
    pub prior_encoder_num_wavenet_layers: usize,
    pub wavenet_kernel_size: usize,
    pub wavenet_dilation_rate: usize,
    pub noise_scale: f32,
    pub noise_scale_duration: f32,
    pub sampling_rate: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vocab_size: 38,
            hidden_size: 192,
            num_hidden_layers: 6,
            num_attention_heads: 2,
            window_size: 4,
            ffn_dim: 768,
            ffn_kernel_size: 3,
            flow_size: 192,
            hidden_act: "relu".into(),
            layer_norm_eps: 1e-5,
            use_stochastic_duration_prediction: true,
            num_speakers: 1,
            upsample_initial_channel: 512,
            upsample_rates: vec![8, 8, 2, 2],
            upsample_kernel_sizes: vec![16, 16, 4, 4],
            resblock_kernel_sizes: vec![3, 7, 11],
            resblock_dilation_sizes: vec![vec![1, 3, 5]; 3],
            leaky_relu_slope: 0.1,
            depth_separable_channels: 2,
            depth_separable_num_layers: 3,
            duration_predictor_flow_bins: 10,
            duration_predictor_tail_bound: 5.0,
            duration_predictor_kernel_size: 3,
            duration_predictor_num_flows: 4,
            prior_encoder_num_flows: 4,
            prior_encoder_num_wavenet_layers: 4,
            wavenet_kernel_size: 5,
            wavenet_dilation_rate: 1,
            noise_scale: 0.667,
            noise_scale_duration: 0.8,
            sampling_rate: 16_000,
        }
    }
}

impl Config {
    pub fn check(&self) -> Result<(), LoadError> {
        let refused = |field, found: String, expected| Err(LoadError::Unsupported { field, found, expected });
        if self.hidden_act != "relu" {
            return refused("hidden_act", self.hidden_act.clone(), "relu");
        }
        if self.num_speakers > 1 {
            return refused("num_speakers", self.num_speakers.to_string(), "1");
        }
        if !self.use_stochastic_duration_prediction || self.depth_separable_channels != 2 {
            return refused("use_stochastic_duration_prediction", "false".into(), "true, with two channels");
        }
        if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return refused("num_attention_heads", self.num_attention_heads.to_string(), "a divisor of hidden_size");
        }
        let stages = self.upsample_rates.len();
        let fits = self.upsample_kernel_sizes.len() == stages
            && self.resblock_dilation_sizes.len() == self.resblock_kernel_sizes.len()
            && !self.resblock_kernel_sizes.is_empty()
            && self.upsample_initial_channel >> stages > 0;
        if !fits || stages == 0 || stages > 8 {
            return refused("upsample_rates", format!("{:?}", self.upsample_rates), "kernels and channels for each");
        }
        if self.flow_size % 2 == 1 || self.sampling_rate == 0 || self.duration_predictor_flow_bins == 0 {
            return refused("flow_size", self.flow_size.to_string(), "an even number, with a rate and bins");
        }
        if self.duration_predictor_num_flows == 0 || self.prior_encoder_num_wavenet_layers == 0 {
            return refused("duration_predictor_num_flows", "0".into(), "at least one, of either kind of flow");
        }
        Ok(())
    }
}
