//! A block, in which words and picture attend to each other, and the picture also to itself in some.

use candle_core::{Result, Tensor};

use crate::{
    LoadError, Weights,
    flow::{FeedForward, HeadNorms, Modulation, gated, heads},
    layers::{LayerNorm, Linear, attention},
};

const EPSILON: f64 = 1e-6;

pub(super) struct Block {
    pixels: Stream,
    /// A second attention, of the picture to itself alone.
    alone: Option<Attention>,
    words: Stream,
}

/// Queries, keys and values of one kind of tokens, and what is done with what they saw. The words of the last block
/// are only seen.
struct Stream {
    modulate: Modulation,
    norm: LayerNorm,
    attention: Attention,
    wide: Option<FeedForward>,
}

struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    head_norms: Option<HeadNorms>,
    out: Option<Linear>,
    head: usize,
}

/// How the layers of an attention are called.
struct Names {
    qkv: [&'static str; 3],
    norms: [&'static str; 2],
    out: &'static str,
}

const OWN: Names = Names { qkv: ["to_q", "to_k", "to_v"], norms: ["norm_q", "norm_k"], out: "to_out.0" };
const ADDED: Names = Names {
    qkv: ["add_q_proj", "add_k_proj", "add_v_proj"],
    norms: ["norm_added_q", "norm_added_k"],
    out: "to_add_out",
};

/// The widths and options that all attentions of a network share.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    head: usize,
    normalised: bool,
}

impl Attention {
    fn load(weights: &Weights, names: &Names, shape: Shape, answers: bool) -> std::result::Result<Self, LoadError> {
        let Shape { width, head, normalised } = shape;
        let linear = |name: &str| Linear::load(&weights.at(name), width, width);
        let norms = || HeadNorms::load(weights, names.norms, head, EPSILON);
        Ok(Self {
            q: linear(names.qkv[0])?,
            k: linear(names.qkv[1])?,
            v: linear(names.qkv[2])?,
            head_norms: normalised.then(norms).transpose()?,
            out: answers.then(|| linear(names.out)).transpose()?,
            head,
        })
    }

    fn ask(&self, x: &Tensor) -> Result<[Tensor; 3]> {
        let split = |linear: &Linear| heads(&linear.forward(x)?, self.head);
        let (q, k, v) = (split(&self.q)?, split(&self.k)?, split(&self.v)?);
        let (q, k) = match &self.head_norms {
            Some(norms) => norms.forward(&q, &k)?,
            None => (q, k),
        };
        Ok([q, k, v])
    }

    fn answer(&self, seen: &Tensor) -> Result<Tensor> {
        self.out.as_ref().map_or_else(|| Ok(seen.clone()), |out| out.forward(&seen.contiguous()?))
    }
}

impl Block {
    pub fn load(
        weights: &Weights,
        width: usize,
        head: usize,
        last: bool,
        dual: bool,
        normalised: bool,
    ) -> std::result::Result<Self, LoadError> {
        let shape = Shape { width, head, normalised };
        let stream = |norm: &str, parts: usize, names: &Names, wide: Option<&str>| {
            Ok::<_, LoadError>(Stream {
                modulate: Modulation::load(&weights.at(norm), width, width, parts)?,
                norm: LayerNorm::plain(weights, width, EPSILON)?,
                attention: Attention::load(&weights.at("attn"), names, shape, wide.is_some())?,
                wide: wide.map(|wide| FeedForward::load(&weights.at(wide), width)).transpose()?,
            })
        };
        let alone = || Attention::load(&weights.at("attn2"), &OWN, shape, true);
        Ok(Self {
            pixels: stream("norm1.linear", if dual { 9 } else { 6 }, &OWN, Some("ff"))?,
            alone: dual.then(alone).transpose()?,
            words: stream("norm1_context.linear", if last { 2 } else { 6 }, &ADDED, (!last).then_some("ff_context"))?,
        })
    }

    pub fn forward(&self, words: &Tensor, pixels: &Tensor, condition: &Tensor) -> Result<(Tensor, Tensor)> {
        let of_pixels = self.pixels.modulate.parts(condition)?;
        let of_words = self.words.modulate.parts(condition)?;
        let normal = self.pixels.norm.modulated(pixels, &of_pixels[1], &of_pixels[0])?;
        // Where the words are only seen, the scale comes first.
        let (shift, scale) = if of_words.len() == 2 { (1, 0) } else { (0, 1) };
        let normal_words = self.words.norm.modulated(words, &of_words[scale], &of_words[shift])?;
        let [pq, pk, pv] = self.pixels.attention.ask(&normal)?;
        let [wq, wk, wv] = self.words.attention.ask(&normal_words)?;
        let both = |pixels: &Tensor, words: &Tensor| Tensor::cat(&[pixels, words], 1);
        let seen = attention(&both(&pq, &wq)?, &both(&pk, &wk)?, &both(&pv, &wv)?, None)?;
        let (squares, count) = (pixels.dim(1)?, words.dim(1)?);
        let answer = self.pixels.attention.answer(&seen.narrow(1, 0, squares)?)?;
        let mut x = gated(pixels, &answer, &of_pixels[2])?;
        if let Some(alone) = &self.alone {
            let normal = self.pixels.norm.modulated(pixels, &of_pixels[7], &of_pixels[6])?;
            let [q, k, v] = alone.ask(&normal)?;
            x = gated(&x, &alone.answer(&attention(&q, &k, &v, None)?)?, &of_pixels[8])?;
        }
        let x = self.pixels.widen(&x, &of_pixels)?;
        if self.words.wide.is_none() {
            return Ok((words.clone(), x));
        }
        let answer = self.words.attention.answer(&seen.narrow(1, squares, count)?)?;
        Ok((self.words.widen(&gated(words, &answer, &of_words[2])?, &of_words)?, x))
    }
}

impl Stream {
    fn widen(&self, x: &Tensor, parts: &[Tensor]) -> Result<Tensor> {
        let Some(wide) = &self.wide else { return Ok(x.clone()) };
        gated(x, &wide.forward(&self.norm.modulated(x, &parts[4], &parts[3])?)?, &parts[5])
    }
}
