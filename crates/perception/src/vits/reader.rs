//! From letters to what each sounds like: a transformer that knows how far apart two letters are.

use candle_core::{Result, Tensor};
use tintype_kernels::softmax;

use super::config::Config;
use crate::{
    frames::Conv,
    layers::{LayerNorm, Linear},
    weights::{Loaded, Scope},
};

pub struct Reader {
    letters: Tensor,
    layers: Vec<Layer>,
    project: Conv,
    flow: usize,
}

/// What is known of each letter, (letters, ..).
pub struct Read {
    pub hidden: Tensor,
    pub mean: Tensor,
    /// The logarithm of the deviation.
    pub spread: Tensor,
}

impl Reader {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, flow) = (config.hidden_size, config.flow_size);
        let layer = |n| Layer::load(&scope.at("encoder.layers").at(n), config);
        Ok(Self {
            letters: scope.at("embed_tokens").tensor("weight", &[config.vocab_size, width])?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Loaded<_>>()?,
            project: Conv::load(&scope.at("project"), [2 * flow, width, 1], 1)?,
            flow,
        })
    }

    pub fn forward(&self, ids: &[u32]) -> Result<Read> {
        let ids = Tensor::new(ids, self.letters.device())?;
        let mut x = (self.letters.index_select(&ids, 0)? * (self.letters.dim(1)? as f64).sqrt())?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        let both = self.project.forward(&x)?;
        let part = |n: usize| both.narrow(1, n * self.flow, self.flow)?.contiguous();
        Ok(Read { mean: part(0)?, spread: part(1)?, hidden: x })
    }
}

struct Layer {
    attention: Attention,
    norms: [LayerNorm; 2],
    up: Conv,
    down: Conv,
}

impl Layer {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, hidden, kernel) = (config.hidden_size, config.ffn_dim, config.ffn_kernel_size);
        let norm = |name: &str| LayerNorm::load(&scope.at(name), width, config.layer_norm_eps);
        Ok(Self {
            attention: Attention::load(&scope.at("attention"), config)?,
            norms: [norm("layer_norm")?, norm("final_layer_norm")?],
            up: Conv::load(&scope.at("feed_forward.conv_1"), [hidden, width, kernel], 1)?,
            down: Conv::load(&scope.at("feed_forward.conv_2"), [width, hidden, kernel], 1)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.norms[0].forward(&(x + self.attention.forward(x)?)?)?;
        let own = self.down.forward(&self.up.forward(&x)?.relu()?)?;
        self.norms[1].forward(&(x + own)?)
    }
}

struct Attention {
    parts: [Linear; 4],
    /// (2 * window + 1, width of a head)
    near_keys: Tensor,
    near_values: Vec<f32>,
    heads: usize,
    window: usize,
}

impl Attention {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, heads, window) = (config.hidden_size, config.num_attention_heads, config.window_size);
        let part = |name: &str| Linear::load(&scope.at(name), width, width);
        let near = |name: &str| scope.tensor(name, &[1, 2 * window + 1, width / heads])?.squeeze(0).map_err(Into::into);
        let (near_keys, near_values): (Loaded<Tensor>, Loaded<Tensor>) = (near("emb_rel_k"), near("emb_rel_v"));
        Ok(Self {
            parts: [part("q_proj")?, part("k_proj")?, part("v_proj")?, part("out_proj")?],
            near_keys: near_keys?,
            near_values: near_values?.flatten_all()?.to_vec1()?,
            heads,
            window,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [query, key, value, out] = &self.parts;
        let width = x.dim(1)? / self.heads;
        let (q, k, v) = (query.forward(x)?, key.forward(x)?, value.forward(x)?);
        let q = (q * (1.0 / (width as f64).sqrt()))?;
        let mut seen = Vec::with_capacity(self.heads);
        for head in 0..self.heads {
            let part = |x: &Tensor| x.narrow(1, head * width, width)?.contiguous();
            seen.push(self.head(&part(&q)?, &part(&k)?, &part(&v)?)?);
        }
        out.forward(&Tensor::cat(&seen, 1)?)
    }

    fn head(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (count, width) = q.dims2()?;
        let mut scores = q.matmul(&k.t()?)?.flatten_all()?.to_vec1::<f32>()?;
        let near = q.matmul(&self.near_keys.t()?)?.to_vec2::<f32>()?;
        for (n, near) in near.iter().enumerate() {
            for (m, step) in self.around(n, count) {
                scores[n * count + m] += near[step];
            }
        }
        let weights = softmax(&Tensor::from_vec(scores, (count, count), q.device())?)?;
        let mut seen = weights.matmul(v)?.flatten_all()?.to_vec1::<f32>()?;
        let weights = weights.to_vec2::<f32>()?;
        for (n, out) in seen.chunks_exact_mut(width).enumerate() {
            for (m, step) in self.around(n, count) {
                let values = &self.near_values[step * width..][..width];
                out.iter_mut().zip(values).for_each(|(out, value)| *out += weights[n][m] * value);
            }
        }
        Tensor::from_vec(seen, (count, width), q.device())
    }

    /// The letters near the one at `n`, with how far they are from the window's beginning.
    fn around(&self, n: usize, count: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let window = self.window;
        (n.saturating_sub(window)..(n + window + 1).min(count)).map(move |m| (m, m + window - n))
    }
}
