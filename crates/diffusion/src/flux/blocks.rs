//! The two kinds of blocks.

use candle_core::{Result, Tensor};

use crate::{
    LoadError, Weights,
    flow::{FeedForward, HeadNorms, Modulation, Rotary, gated, heads},
    layers::{LayerNorm, Linear, attention, gelu_tanh},
};

const EPSILON: f64 = 1e-6;

/// Words and picture have layers of their own, and attend to each other.
pub(super) struct Double {
    words: Stream,
    pixels: Stream,
}

/// One of the two.
struct Stream {
    modulate: Modulation,
    norm: LayerNorm,
    q: Linear,
    k: Linear,
    v: Linear,
    head_norms: HeadNorms,
    out: Linear,
    wide: FeedForward,
    head: usize,
}

/// How the layers of a stream are called.
struct Names {
    modulate: &'static str,
    qkv: [&'static str; 3],
    norms: [&'static str; 2],
    out: &'static str,
    wide: &'static str,
}

const WORDS: Names = Names {
    modulate: "norm1_context.linear",
    qkv: ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
    norms: ["attn.norm_added_q", "attn.norm_added_k"],
    out: "attn.to_add_out",
    wide: "ff_context",
};

const PIXELS: Names = Names {
    modulate: "norm1.linear",
    qkv: ["attn.to_q", "attn.to_k", "attn.to_v"],
    norms: ["attn.norm_q", "attn.norm_k"],
    out: "attn.to_out.0",
    wide: "ff",
};

impl Double {
    pub fn load(weights: &Weights, width: usize, head: usize) -> std::result::Result<Self, LoadError> {
        let stream = |names: &Names| Stream::load(weights, names, width, head);
        Ok(Self { words: stream(&WORDS)?, pixels: stream(&PIXELS)? })
    }

    pub fn forward(
        &self,
        words: &Tensor,
        pixels: &Tensor,
        condition: &Tensor,
        rotary: &Rotary,
    ) -> Result<(Tensor, Tensor)> {
        let (word_gates, [wq, wk, wv]) = self.words.ask(words, condition)?;
        let (pixel_gates, [pq, pk, pv]) = self.pixels.ask(pixels, condition)?;
        let both = |words: &Tensor, pixels: &Tensor| Tensor::cat(&[words, pixels], 1);
        let (q, k) = (rotary.turn(&both(&wq, &pq)?)?, rotary.turn(&both(&wk, &pk)?)?);
        let seen = attention(&q, &k, &both(&wv, &pv)?, None)?;
        let (count, squares) = (words.dim(1)?, pixels.dim(1)?);
        let of = |first, count| seen.narrow(1, first, count)?.contiguous();
        Ok((
            self.words.answer(words, &of(0, count)?, &word_gates)?,
            self.pixels.answer(pixels, &of(count, squares)?, &pixel_gates)?,
        ))
    }
}

/// What a stream's second half needs: the gate of its attention, then shift, scale and gate of its wide layers.
type Gates = [Tensor; 4];

impl Stream {
    fn load(weights: &Weights, names: &Names, width: usize, head: usize) -> std::result::Result<Self, LoadError> {
        let linear = |name: &str| Linear::load(&weights.at(name), width, width);
        Ok(Self {
            modulate: Modulation::load(&weights.at(names.modulate), width, width, 6)?,
            norm: LayerNorm::plain(weights, width, EPSILON)?,
            q: linear(names.qkv[0])?,
            k: linear(names.qkv[1])?,
            v: linear(names.qkv[2])?,
            head_norms: HeadNorms::load(weights, names.norms, head, EPSILON)?,
            out: linear(names.out)?,
            wide: FeedForward::load(&weights.at(names.wide), width)?,
            head,
        })
    }

    fn ask(&self, x: &Tensor, condition: &Tensor) -> Result<(Gates, [Tensor; 3])> {
        let [shift, scale, gate, wide_shift, wide_scale, wide_gate] = self.modulate.forward(condition)?;
        let h = self.norm.modulated(x, &scale, &shift)?;
        let split = |linear: &Linear| heads(&linear.forward(&h)?, self.head);
        let (q, k) = self.head_norms.forward(&split(&self.q)?, &split(&self.k)?)?;
        Ok(([gate, wide_shift, wide_scale, wide_gate], [q, k, split(&self.v)?]))
    }

    fn answer(&self, x: &Tensor, seen: &Tensor, [gate, shift, scale, wide_gate]: &Gates) -> Result<Tensor> {
        let x = gated(x, &self.out.forward(seen)?, gate)?;
        let h = self.wide.forward(&self.norm.modulated(&x, scale, shift)?)?;
        gated(&x, &h, wide_gate)
    }
}

/// Words and picture as one sequence; attention and wide layer side by side.
pub(super) struct Single {
    modulate: Modulation,
    norm: LayerNorm,
    q: Linear,
    k: Linear,
    v: Linear,
    head_norms: HeadNorms,
    wide: Linear,
    out: Linear,
    head: usize,
}

impl Single {
    pub fn load(weights: &Weights, width: usize, head: usize) -> std::result::Result<Self, LoadError> {
        let linear = |name: &str| Linear::load(&weights.at(name), width, width);
        Ok(Self {
            modulate: Modulation::load(&weights.at("norm.linear"), width, width, 3)?,
            norm: LayerNorm::plain(weights, width, EPSILON)?,
            q: linear("attn.to_q")?,
            k: linear("attn.to_k")?,
            v: linear("attn.to_v")?,
            head_norms: HeadNorms::load(weights, ["attn.norm_q", "attn.norm_k"], head, EPSILON)?,
            wide: Linear::load(&weights.at("proj_mlp"), width, 4 * width)?,
            out: Linear::load(&weights.at("proj_out"), 5 * width, width)?,
            head,
        })
    }

    pub fn forward(&self, x: &Tensor, condition: &Tensor, rotary: &Rotary) -> Result<Tensor> {
        let [shift, scale, gate] = self.modulate.forward(condition)?;
        let h = self.norm.modulated(x, &scale, &shift)?;
        let split = |linear: &Linear| heads(&linear.forward(&h)?, self.head);
        let (q, k) = self.head_norms.forward(&split(&self.q)?, &split(&self.k)?)?;
        let seen = attention(&rotary.turn(&q)?, &rotary.turn(&k)?, &split(&self.v)?, None)?;
        let wide = gelu_tanh(&self.wide.forward(&h)?)?;
        gated(x, &self.out.forward(&Tensor::cat(&[&seen, &wide], 2)?)?, &gate)
    }
}
