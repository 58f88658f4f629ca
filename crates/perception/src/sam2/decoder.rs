//! From what was seen and what was asked to masks: tokens and pixels look at each other in turn.

use candle_core::{DType, Result, Tensor};
use tintype_kernels::gelu_exact;

use super::config::Decoder as Config;
use crate::{
    layers::{LayerNorm, Linear, Unpatch, attend, to_rows},
    weights::{Loaded, Scope},
};

const EPSILON: f32 = 1e-5;
const UPSCALE_EPSILON: f32 = 1e-6;

/// What the network saw in a picture.
pub struct Seen {
    /// (pixels, width), 1/16 of the picture's side.
    pub coarse: Tensor,
    pub side: usize,
    /// (1, width / 4, height, width), 1/8 of the side; and (1, width / 8, ..), 1/4.
    pub middle: Tensor,
    pub fine: Tensor,
}

/// Masks for one object, as scores on a grid of 1/4 of the side.
pub struct Masks {
    pub side: usize,
    /// The first is for prompts that leave no doubt, the others for the parts that a single point may mean.
    pub scores: Vec<Vec<f32>>,
    /// How well the network thinks that each fits.
    pub quality: Vec<f32>,
}

impl Masks {
    /// The mask to take: `doubtful` prompts may mean several things, others only where the first mask is not stable.
    pub fn best(&self, doubtful: bool, config: &Config) -> usize {
        let many = (1..self.scores.len()).max_by(|a, b| self.quality[*a].total_cmp(&self.quality[*b])).unwrap_or(0);
        let stable = stability(&self.scores[0], config.dynamic_multimask_stability_delta);
        if doubtful || stable < config.dynamic_multimask_stability_thresh { many } else { 0 }
    }
}

/// How little the mask's area depends on where it is cut.
pub fn stability(scores: &[f32], delta: f32) -> f32 {
    let area = |least: f32| scores.iter().filter(|score| **score > least).count() as f32;
    let outer = area(-delta);
    if outer > 0.0 { area(delta) / outer } else { 1.0 }
}

pub struct Decoder {
    /// (2 + masks, width): whether the object is there, how good the masks are, and the masks.
    tokens: Tensor,
    layers: Vec<TwoWay>,
    last: Attention,
    last_norm: LayerNorm,
    upscale: [Unpatch; 2],
    upscale_norm: LayerNorm,
    hyper: Vec<Mlp>,
    quality: Mlp,
}

impl Decoder {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, masks) = (config.hidden_size, config.num_multimask_outputs + 1);
        let token = |name: &str, count| scope.at(name).tensor("weight", &[count, width]);
        let tokens = [token("obj_score_token", 1)?, token("iou_token", 1)?, token("mask_tokens", masks)?];
        let transformer = scope.at("transformer");
        let layer = |n| TwoWay::load(&transformer.at("layers").at(n), config, n == 0);
        let hyper = |n| Mlp::load(&scope.at("output_hypernetworks_mlps").at(n), [width, width, width / 8], 3);
        let iou = [width, config.iou_head_hidden_dim, masks];
        Ok(Self {
            tokens: Tensor::cat(&tokens, 0)?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Loaded<_>>()?,
            last: Attention::load(
                &transformer.at("final_attn_token_to_image"),
                width,
                config.attention_downsample_rate,
                config.num_attention_heads,
            )?,
            last_norm: LayerNorm::load(&transformer.at("layer_norm_final_attn"), width, EPSILON)?,
            upscale: [
                Unpatch::load(&scope.at("upscale_conv1"), width, width / 4, 2)?,
                Unpatch::load(&scope.at("upscale_conv2"), width / 4, width / 8, 2)?,
            ],
            upscale_norm: LayerNorm::load(&scope.at("upscale_layer_norm"), width / 4, UPSCALE_EPSILON)?,
            hyper: (0..masks).map(hyper).collect::<Loaded<_>>()?,
            quality: Mlp::load(&scope.at("iou_prediction_head"), iou, config.iou_head_depth)?,
        })
    }

    /// `prompt` (tokens, width), `places` (pixels, width), `no_mask` (1, width).
    pub fn forward(&self, seen: &Seen, prompt: &Tensor, places: &Tensor, no_mask: &Tensor) -> Result<Masks> {
        let places = places.unsqueeze(0)?;
        let asked = Tensor::cat(&[&self.tokens, prompt], 0)?.unsqueeze(0)?;
        let mut pixels = seen.coarse.broadcast_add(no_mask)?.unsqueeze(0)?;
        let mut tokens = asked.clone();
        for layer in &self.layers {
            (tokens, pixels) = layer.forward(&tokens, &pixels, &asked, &places)?;
        }
        let looked = self.last.forward(&(&tokens + &asked)?, &(&pixels + &places)?, &pixels)?;
        let tokens = self.last_norm.forward(&(&tokens + looked)?)?.squeeze(0)?;
        let (fine, side) = self.upscaled(&pixels.squeeze(0)?, seen)?;
        let mut scores = Vec::with_capacity(self.hyper.len());
        for (n, hyper) in self.hyper.iter().enumerate() {
            // Each mask is a weighing of the fine pixels' channels.
            let weights = hyper.forward(&tokens.narrow(0, 2 + n, 1)?)?;
            scores.push(fine.matmul(&weights.t()?)?.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?);
        }
        let quality = self.quality.forward(&tokens.narrow(0, 1, 1)?)?.flatten_all()?;
        let quality = quality.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        let quality = quality.into_iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect();
        Ok(Masks { side, scores, quality })
    }

    /// Four times as fine, (pixels, width / 8).
    fn upscaled(&self, pixels: &Tensor, seen: &Seen) -> Result<(Tensor, usize)> {
        let side = seen.side;
        let x = (self.upscale[0].forward(pixels, (side, side))? + &seen.middle)?;
        let x = gelu_exact(&self.upscale_norm.forward(&to_rows(&x)?)?)?;
        let x = (self.upscale[1].forward(&x, (2 * side, 2 * side))? + &seen.fine)?;
        Ok((to_rows(&gelu_exact(&x)?)?, 4 * side))
    }
}

struct TwoWay {
    own: Attention,
    to_pixels: Attention,
    mlp: Mlp,
    to_tokens: Attention,
    norms: [LayerNorm; 4],
    first: bool,
}

impl TwoWay {
    fn load(scope: &Scope<'_>, config: &Config, first: bool) -> Loaded<Self> {
        let (width, heads) = (config.hidden_size, config.num_attention_heads);
        let attention = |name: &str, rate| Attention::load(&scope.at(name), width, rate, heads);
        let rate = config.attention_downsample_rate;
        let norm = |n: usize| LayerNorm::load(&scope.at(format!("layer_norm{n}")), width, EPSILON);
        // The published network has as many layers in here as around it.
        let mlp = Mlp::load(&scope.at("mlp"), [width, config.mlp_dim, width], config.num_hidden_layers)?;
        Ok(Self {
            own: attention("self_attn", 1)?,
            to_pixels: attention("cross_attn_token_to_image", rate)?,
            mlp,
            to_tokens: attention("cross_attn_image_to_token", rate)?,
            norms: [norm(1)?, norm(2)?, norm(3)?, norm(4)?],
            first,
        })
    }

    fn forward(&self, tokens: &Tensor, pixels: &Tensor, asked: &Tensor, places: &Tensor) -> Result<(Tensor, Tensor)> {
        let tokens = if self.first {
            self.own.forward(tokens, tokens, tokens)?
        } else {
            let both = (tokens + asked)?;
            (tokens + self.own.forward(&both, &both, tokens)?)?
        };
        let tokens = self.norms[0].forward(&tokens)?;
        let keys = (pixels + places)?;
        let looked = self.to_pixels.forward(&(&tokens + asked)?, &keys, pixels)?;
        let tokens = self.norms[1].forward(&(&tokens + looked)?)?;
        let tokens = self.norms[2].forward(&(&tokens + self.mlp.forward(&tokens)?)?)?;
        let told = self.to_tokens.forward(&keys, &(&tokens + asked)?, &tokens)?;
        Ok((tokens.clone(), self.norms[3].forward(&(pixels + told)?)?))
    }
}

struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    fn load(scope: &Scope<'_>, width: usize, rate: usize, heads: usize) -> Loaded<Self> {
        let part = |name: &str| Linear::load(&scope.at(name), width, width / rate);
        Ok(Self {
            query: part("q_proj")?,
            key: part("k_proj")?,
            value: part("v_proj")?,
            out: Linear::load(&scope.at("o_proj"), width / rate, width)?,
            heads,
        })
    }

    fn forward(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (q, k, v) = (self.query.forward(q)?, self.key.forward(k)?, self.value.forward(v)?);
        self.out.forward(&attend(&q, &k, &v, self.heads)?)
    }
}

/// Layers with rectifiers between them.
struct Mlp(Vec<Linear>);

impl Mlp {
    fn load(scope: &Scope<'_>, [from, hidden, to]: [usize; 3], layers: usize) -> Loaded<Self> {
        let mut all = vec![Linear::load(&scope.at("proj_in"), from, hidden)?];
        for n in 0..layers.saturating_sub(2) {
            all.push(Linear::load(&scope.at("layers").at(n), hidden, hidden)?);
        }
        all.push(Linear::load(&scope.at("proj_out"), hidden, to)?);
        Ok(Self(all))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.0[0].forward(x)?;
        for layer in &self.0[1..] {
            x = layer.forward(&x.relu()?)?;
        }
        Ok(x)
    }
}
