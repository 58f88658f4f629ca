//! The network: an encoder that hears a window of sound, and a decoder that writes, one token after the other.

use candle_core::{D, DType, Result, Tensor};
use tintype_kernels::{Compute, attention, gelu_exact, linear, softmax};

use super::config::Config;
use crate::{
    layers::{LayerNorm, Linear, Patches, attend, heads},
    weights::{Loaded, Scope, Weights},
};

const EPSILON: f32 = 1e-5;

pub struct Network {
    encoder: Encoder,
    decoder: Decoder,
    compute: Compute,
}

impl Network {
    pub fn load(weights: &Weights, config: &Config) -> Loaded<Self> {
        let root = weights.root();
        // Some published files leave the outer name away.
        let model =
            if root.at("model").at("decoder").at("embed_tokens").has("weight") { root.at("model") } else { root };
        let encoder = Encoder::load(&model.at("encoder"), config)?;
        let compute = model.compute().clone();
        Ok(Self { encoder, decoder: Decoder::load(&model.at("decoder"), config)?, compute })
    }

    /// `mel` (mels, 1, frames) to (1, frames / 2, width).
    pub fn hear(&self, mel: &Tensor) -> Result<Tensor> {
        self.encoder.forward(&self.compute.take(mel)?)
    }

    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// A text about what was heard, still empty.
    pub fn begin(&self, heard: &Tensor, follow: &[(usize, usize)]) -> Result<Text> {
        self.decoder.begin(heard, follow)
    }

    /// Reads more tokens; the scores of the token that comes next.
    pub fn read(&self, text: &mut Text, tokens: &[u32]) -> Result<Vec<f32>> {
        self.decoder.read(text, tokens)
    }
}

/// What the decoder keeps of a text: keys and values of what it has read and heard.
pub struct Text {
    read: Vec<Option<(Tensor, Tensor)>>,
    heard: Vec<(Tensor, Tensor)>,
    follow: Vec<(usize, usize)>,
    /// By followed head, then by token read: how its attention is spread over the sound.
    pub attention: Vec<Vec<Vec<f32>>>,
    pub tokens: usize,
}

struct Encoder {
    convolutions: [Patches; 2],
    positions: Tensor,
    layers: Vec<EncoderLayer>,
    norm: LayerNorm,
}

impl Encoder {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, mels) = (config.d_model, config.num_mel_bins);
        let layer = |n| EncoderLayer::load(&scope.at("layers").at(n), config);
        Ok(Self {
            convolutions: [
                Patches::load(&scope.at("conv1"), &[width, mels, 3], 1, 1)?,
                Patches::load(&scope.at("conv2"), &[width, width, 3], 2, 1)?,
            ],
            positions: scope.at("embed_positions").tensor("weight", &[config.max_source_positions, width])?,
            layers: (0..config.encoder_layers).map(layer).collect::<Loaded<_>>()?,
            norm: LayerNorm::load(&scope.at("layer_norm"), width, EPSILON)?,
        })
    }

    fn forward(&self, mel: &Tensor) -> Result<Tensor> {
        let (x, _) = self.convolutions[0].forward(mel)?;
        let x = gelu_exact(&x)?.t()?.contiguous()?.unsqueeze(1)?;
        let (x, _) = self.convolutions[1].forward(&x)?;
        let mut x = (gelu_exact(&x)? + &self.positions)?.unsqueeze(0)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        self.norm.forward(&x)
    }
}

struct EncoderLayer {
    attention: Attention,
    attention_norm: LayerNorm,
    mlp: Mlp,
}

impl EncoderLayer {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, count) = (config.d_model, config.encoder_attention_heads);
        Ok(Self {
            attention: Attention::load(&scope.at("self_attn"), width, count)?,
            attention_norm: LayerNorm::load(&scope.at("self_attn_layer_norm"), width, EPSILON)?,
            mlp: Mlp::load(scope, width, config.encoder_ffn_dim)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let own = self.attention_norm.forward(x)?;
        let (k, v) = self.attention.keys(&own)?;
        let x = (x + self.attention.forward(&own, &k, &v)?)?;
        self.mlp.forward(&x)
    }
}

struct Decoder {
    words: Tensor,
    no_bias: Tensor,
    positions: Tensor,
    layers: Vec<DecoderLayer>,
    norm: LayerNorm,
}

impl Decoder {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, words) = (config.d_model, config.vocab_size);
        let words = scope.at("embed_tokens").tensor("weight", &[words, width])?;
        let layer = |n| DecoderLayer::load(&scope.at("layers").at(n), config);
        Ok(Self {
            no_bias: Tensor::zeros(words.dim(0)?, words.dtype(), words.device())?,
            words,
            positions: scope.at("embed_positions").tensor("weight", &[config.max_target_positions, width])?,
            layers: (0..config.decoder_layers).map(layer).collect::<Loaded<_>>()?,
            norm: LayerNorm::load(&scope.at("layer_norm"), width, EPSILON)?,
        })
    }

    fn begin(&self, heard: &Tensor, follow: &[(usize, usize)]) -> Result<Text> {
        let heard = self.layers.iter().map(|layer| layer.sound.keys(heard)).collect::<Result<_>>()?;
        let (read, attention) = (vec![None; self.layers.len()], vec![Vec::new(); follow.len()]);
        Ok(Text { read, heard, follow: follow.to_vec(), attention, tokens: 0 })
    }

    fn read(&self, text: &mut Text, tokens: &[u32]) -> Result<Vec<f32>> {
        let ids = Tensor::new(tokens, self.words.device())?;
        let places = self.positions.narrow(0, text.tokens, tokens.len())?;
        let mut x = (self.words.index_select(&ids, 0)? + places)?.unsqueeze(0)?;
        for (n, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x, n, text)?;
        }
        text.tokens += tokens.len();
        let last = self.norm.forward(&x.narrow(1, tokens.len() - 1, 1)?)?;
        linear(&last, &self.words, &self.no_bias)?.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
    }
}

struct DecoderLayer {
    attention: Attention,
    attention_norm: LayerNorm,
    sound: Attention,
    sound_norm: LayerNorm,
    mlp: Mlp,
}

impl DecoderLayer {
    fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (width, count) = (config.d_model, config.decoder_attention_heads);
        Ok(Self {
            attention: Attention::load(&scope.at("self_attn"), width, count)?,
            attention_norm: LayerNorm::load(&scope.at("self_attn_layer_norm"), width, EPSILON)?,
            sound: Attention::load(&scope.at("encoder_attn"), width, count)?,
            sound_norm: LayerNorm::load(&scope.at("encoder_attn_layer_norm"), width, EPSILON)?,
            mlp: Mlp::load(scope, width, config.decoder_ffn_dim)?,
        })
    }

    fn forward(&self, x: &Tensor, number: usize, text: &mut Text) -> Result<Tensor> {
        let own = self.attention_norm.forward(x)?;
        let (mut k, mut v) = self.attention.keys(&own)?;
        if let Some((before_k, before_v)) = &text.read[number] {
            k = Tensor::cat(&[before_k, &k], 1)?;
            v = Tensor::cat(&[before_v, &v], 1)?;
        }
        let x = (x + self.attention.forward_causal(&own, &k, &v)?)?;
        text.read[number] = Some((k, v));
        let own = self.sound_norm.forward(&x)?;
        let (k, v) = &text.heard[number];
        for (n, (_, head)) in text.follow.iter().enumerate().filter(|(_, (layer, _))| *layer == number) {
            text.attention[n].extend(self.sound.spread(&own, k, *head)?);
        }
        let x = (&x + self.sound.forward(&own, k, v)?)?;
        self.mlp.forward(&x)
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
    fn load(scope: &Scope<'_>, width: usize, heads: usize) -> Loaded<Self> {
        let part = |name: &str| Linear::load(&scope.at(name), width, width);
        Ok(Self { query: part("q_proj")?, key: part("k_proj")?, value: part("v_proj")?, out: part("out_proj")?, heads })
    }

    /// Keys and values of (1, tokens, width).
    fn keys(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((self.key.forward(x)?, self.value.forward(x)?))
    }

    fn forward(&self, x: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        self.out.forward(&attend(&self.query.forward(x)?, k, v, self.heads)?)
    }

    /// Each token of `x`, which are the last of those behind `k`, looks at itself and what came before.
    fn forward_causal(&self, x: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (q, k, v) = (heads(&self.query.forward(x)?, self.heads)?, heads(k, self.heads)?, heads(v, self.heads)?);
        let (count, all) = (q.dim(1)?, k.dim(1)?);
        let one = |n: usize| {
            let seen = all - count + n + 1;
            attention(&q.narrow(1, n, 1)?, &k.narrow(1, 0, seen)?, &v.narrow(1, 0, seen)?, None)
        };
        let all: Vec<Tensor> = (0..count).map(one).collect::<Result<_>>()?;
        self.out.forward(&Tensor::cat(&all, 1)?)
    }

    /// How one head spreads its attention over the keys, for each token.
    fn spread(&self, x: &Tensor, k: &Tensor, head: usize) -> Result<Vec<Vec<f32>>> {
        let part = |x: &Tensor| heads(x, self.heads)?.narrow(2, head, 1)?.squeeze(2)?.squeeze(0)?.contiguous();
        let (q, k) = (part(&self.query.forward(x)?)?, part(k)?);
        let scale = 1.0 / (q.dim(D::Minus1)? as f64).sqrt();
        softmax(&(q.matmul(&k.t()?)? * scale)?)?.to_dtype(DType::F32)?.to_vec2()
    }
}

struct Mlp {
    norm: LayerNorm,
    up: Linear,
    down: Linear,
}

impl Mlp {
    fn load(scope: &Scope<'_>, width: usize, hidden: usize) -> Loaded<Self> {
        Ok(Self {
            norm: LayerNorm::load(&scope.at("final_layer_norm"), width, EPSILON)?,
            up: Linear::load(&scope.at("fc1"), width, hidden)?,
            down: Linear::load(&scope.at("fc2"), hidden, width)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x + self.down.forward(&gelu_exact(&self.up.forward(&self.norm.forward(x)?)?)?)?
    }
}
