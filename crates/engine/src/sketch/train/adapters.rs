//! The matrices that a run trains: which layers get them, how they begin, and how they become a file.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Result, Var};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::super::{
    lora::{Lora, weight_of},
    network::Adapter,
    tokens::Tokenizer,
    weights::{LoadError, Weights},
};

/// Layers that read words, or what the words say of the picture. Convolutions do not: what they learn would show in every
/// picture, whatever its prompt.
const ADAPTED: [&str; 6] = ["text.", "layers.", "pool", "to_tokens", "from_tokens", "modulate"];
/// What a new word means at first.
const LIKE: &str = "shape";
const SPREAD: f32 = 0.05;

pub(super) struct Adapters {
    layers: Vec<Layer>,
    words: Vec<String>,
    embeddings: Option<Var>,
}

struct Layer {
    name: String,
    down: Var,
    up: Var,
}

impl Adapters {
    /// Adapters that change nothing yet. The same for the same seed.
    pub fn new(
        weights: &Weights,
        tokenizer: &Tokenizer,
        rank: usize,
        words: &[String],
        seed: u64,
    ) -> std::result::Result<Self, LoadError> {
        let mut rng = StdRng::seed_from_u64(seed);
        let shapes = weights.shapes();
        let names = shapes.iter().filter_map(|(name, _)| name.strip_suffix(".weight"));
        let mut layers = Vec::new();
        for name in names.filter(|name| is_adapted(name)) {
            if let Some(weight) = weight_of(name, &shapes) {
                layers.push(Layer::new(name, weight, rank, &mut rng)?);
            }
        }
        let embeddings = embeddings(weights, tokenizer, words.len(), &mut rng)?;
        Ok(Self { layers, words: words.to_vec(), embeddings })
    }

    /// Everything that is trained, always in the same order: the matrices, then the embeddings.
    pub fn variables(&self) -> Vec<&Var> {
        self.layers.iter().flat_map(|layer| [&layer.down, &layer.up]).chain(&self.embeddings).collect()
    }

    /// How many of the variables are matrices.
    pub fn matrices(&self) -> usize {
        2 * self.layers.len()
    }

    /// The weights with these beside them; what is set here later is seen there.
    pub fn beside(&self, weights: Weights) -> Weights {
        let adapters = self.layers.iter().map(|layer| (layer.name.clone(), layer.adapter()));
        let embeddings = self.embeddings.as_ref().map(|words| words.as_tensor().clone());
        weights.beside(adapters.collect::<HashMap<_, _>>(), embeddings)
    }

    /// A copy of what has been learned so far.
    pub fn lora(&self) -> Result<Lora> {
        let copied = |Layer { name, down, up }: &Layer| {
            Ok((name.clone(), Adapter { down: down.as_detached_tensor().copy()?, up: up.as_detached_tensor().copy()? }))
        };
        let adapters = self.layers.iter().map(copied).collect::<Result<BTreeMap<_, _>>>()?;
        let embeddings = self.embeddings.as_ref().map(|words| words.as_detached_tensor().copy()).transpose()?;
        Ok(Lora { adapters, words: self.words.clone(), embeddings })
    }
}

impl Layer {
    /// `down` is random and `up` zero: together nothing, and yet a gradient flows.
    fn new(name: &str, weight: &[usize], rank: usize, rng: &mut StdRng) -> Result<Self> {
        let inputs: usize = weight[1..].iter().product();
        let mut down = weight.to_vec();
        let mut up: Vec<usize> = weight.iter().map(|_| 1).collect();
        (down[0], up[0], up[1]) = (rank, weight[0], rank);
        let bound = 1.0 / (inputs as f32).sqrt();
        let values: Vec<f32> = (0..rank * inputs).map(|_| rng.random_range(-bound..bound)).collect();
        Ok(Self {
            name: name.to_owned(),
            down: Var::from_vec(values, down, &Device::Cpu)?,
            up: Var::zeros(up, candle_core::DType::F32, &Device::Cpu)?,
        })
    }

    fn adapter(&self) -> Adapter {
        Adapter { down: self.down.as_tensor().clone(), up: self.up.as_tensor().clone() }
    }
}

/// Of a layer, or of a part of one: `up_high.0.modulate`.
fn is_adapted(layer: &str) -> bool {
    ADAPTED.iter().any(|part| layer.starts_with(part) || layer.ends_with(&format!(".{part}")))
}

fn embeddings(
    weights: &Weights,
    tokenizer: &Tokenizer,
    count: usize,
    rng: &mut StdRng,
) -> std::result::Result<Option<Var>, LoadError> {
    if count == 0 {
        return Ok(None);
    }
    let like = tokenizer.id(LIKE).unwrap_or_default() as usize;
    let row: Vec<f32> = weights.tensor("embed.weight")?.get(like)?.to_vec1()?;
    let values =
        (0..count).flat_map(|_| row.iter().map(|value| value + rng.random_range(-SPREAD..SPREAD)).collect::<Vec<_>>());
    Ok(Some(Var::from_vec(values.collect::<Vec<_>>(), (count, row.len()), &Device::Cpu)?))
}
