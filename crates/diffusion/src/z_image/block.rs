//! A block: attention and a wide layer, each normalised before and behind.

use candle_core::{Result, Tensor};

use crate::{
    LoadError, Weights,
    flow::{HeadNorms, Modulation, Rotary, gated, heads},
    layers::{Linear, RmsNorm, attention, silu},
};

const HEAD_EPSILON: f64 = 1e-5;

pub(super) struct Block {
    /// Where the block knows the noise level.
    modulate: Option<Modulation>,
    attention_norms: [RmsNorm; 2],
    wide_norms: [RmsNorm; 2],
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    head_norms: HeadNorms,
    gate: Linear,
    up: Linear,
    down: Linear,
    head: usize,
}

impl Block {
    pub fn load(
        weights: &Weights,
        width: usize,
        heads: usize,
        epsilon: f64,
        conditioned: bool,
    ) -> std::result::Result<Self, LoadError> {
        let (head, wide) = (width / heads, width * 8 / 3);
        let own = weights.at("attention");
        let norm = |name: &str| RmsNorm::load(&weights.at(name), width, epsilon);
        let modulate = || Modulation::load(&weights.at("adaLN_modulation.0"), width.min(super::CONDITION), width, 4);
        Ok(Self {
            modulate: conditioned.then(modulate).transpose()?,
            attention_norms: [norm("attention_norm1")?, norm("attention_norm2")?],
            wide_norms: [norm("ffn_norm1")?, norm("ffn_norm2")?],
            q: Linear::load(&own.at("to_q"), width, width)?,
            k: Linear::load(&own.at("to_k"), width, width)?,
            v: Linear::load(&own.at("to_v"), width, width)?,
            out: Linear::load(&own.at("to_out.0"), width, width)?,
            head_norms: HeadNorms::load(&own, ["norm_q", "norm_k"], head, HEAD_EPSILON)?,
            gate: Linear::load(&weights.at("feed_forward.w1"), width, wide)?,
            up: Linear::load(&weights.at("feed_forward.w3"), width, wide)?,
            down: Linear::load(&weights.at("feed_forward.w2"), wide, width)?,
            head,
        })
    }

    pub fn forward(&self, x: &Tensor, condition: Option<&Tensor>, rotary: &Rotary) -> Result<Tensor> {
        let [before, behind] = &self.attention_norms;
        let [wide_before, wide_behind] = &self.wide_norms;
        let (Some(modulate), Some(condition)) = (&self.modulate, condition) else {
            let x = (x + behind.forward(&self.attend(&before.forward(x)?, rotary)?)?)?;
            return &x + wide_behind.forward(&self.widen(&wide_before.forward(&x)?)?)?;
        };
        let [scale, gate, wide_scale, wide_gate] = modulate.forward(condition)?;
        let scaled = |x: Tensor, scale: &Tensor| x.broadcast_mul(&(scale + 1.0)?.unsqueeze(1)?);
        let h = self.attend(&scaled(before.forward(x)?, &scale)?, rotary)?;
        let x = gated(x, &behind.forward(&h)?, &gate.tanh()?)?;
        let h = self.widen(&scaled(wide_before.forward(&x)?, &wide_scale)?)?;
        gated(&x, &wide_behind.forward(&h)?, &wide_gate.tanh()?)
    }

    fn attend(&self, x: &Tensor, rotary: &Rotary) -> Result<Tensor> {
        let split = |linear: &Linear| heads(&linear.forward(x)?, self.head);
        let (q, k) = self.head_norms.forward(&split(&self.q)?, &split(&self.k)?)?;
        self.out.forward(&attention(&rotary.turn(&q)?, &rotary.turn(&k)?, &split(&self.v)?, None)?)
    }

    fn widen(&self, x: &Tensor) -> Result<Tensor> {
        self.down.forward(&(silu(&self.gate.forward(x)?)? * self.up.forward(x)?)?)
    }
}
