//! LoRAs: low-rank additions to the layers of a network, laid over it while it is built.
//!
//! A LoRA costs nothing until a network is built with it, and then a few percent of a step: the products are made
//! beside those of the layers, whose weights stay shared with everybody else's.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use candle_core::Tensor;
use safetensors::SafeTensors;

use crate::{Compute, LoadError, weights::single};

/// What is added to one layer: `x down^T up^T scale`.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// (rank, in), or (rank, in, k, k) for a convolution.
    pub down: Tensor,
    /// (out, rank), or (out, rank, 1, 1).
    pub up: Tensor,
    pub scale: f64,
}

/// The LoRAs of one call.
#[derive(Debug, Default)]
pub struct Adapters {
    /// By part of the model and layer, with `_` for `.`, as one of the two customs of naming has it.
    layers: HashMap<String, Vec<Adapter>>,
    used: Mutex<HashSet<String>>,
}

/// Gives the layer of a file its names in a model, each with its part of the adapter.
pub type Rename<'a> = dyn Fn(&str, Adapter) -> Result<Vec<(String, Adapter)>, LoadError> + 'a;

/// A file's name for a tensor, taken apart.
pub struct Name {
    /// `unet_down_blocks_0_...`: part, and layer with `_` for `.`.
    pub layer: String,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Down,
    Up,
    Alpha,
}

impl Adapters {
    /// Adds a LoRA at `scale`. `rename` may give the layer of a name another name in this model, or several names,
    /// each with the rows of `up` that are its own; most models give one and all.
    pub fn add(&mut self, bytes: &[u8], scale: f64, compute: &Compute, rename: &Rename<'_>) -> Result<(), LoadError> {
        let wrong = |source| LoadError::Safetensors { path: "the LoRA".into(), source };
        let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
        let mut found: HashMap<String, Half> = HashMap::new();
        for (name, view) in file.iter() {
            let Some(Name { layer, role }) = parse(name) else {
                return Err(LoadError::Adapter {
                    layer: name.into(),
                    found: "a tensor that is no part of a LoRA".into(),
                    expected: "names that end in `lora_A.weight`, `lora_B.weight`, `lora_down.weight`, \
                               `lora_up.weight` or `alpha`"
                        .into(),
                });
            };
            let kind = || LoadError::Kind { name: name.into(), found: format!("{:?}", view.dtype()) };
            let values = single(view.data(), view.dtype()).ok_or_else(kind)?;
            let part = found.entry(layer).or_default();
            match role {
                Role::Alpha => part.alpha = values.first().map(|&alpha| f64::from(alpha)),
                Role::Down => part.down = Some(placed(values, view.shape(), compute)?),
                Role::Up => part.up = Some(placed(values, view.shape(), compute)?),
            }
        }
        for (layer, half) in found {
            for (layer, adapter) in rename(&layer, half.whole(&layer, scale)?)? {
                self.layers.entry(layer).or_default().push(adapter);
            }
        }
        Ok(())
    }

    /// What is added to the layer at `place` of `part`.
    pub fn of(&self, part: &str, place: &str) -> Vec<Adapter> {
        let layer = format!("{part}_{}", flat(place));
        let Some(adapters) = self.layers.get(&layer) else { return Vec::new() };
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(layer);
        adapters.clone()
    }

    /// The layers that no network asked for: what the LoRA was made for is another model.
    pub fn unused(&self) -> Vec<String> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unused: Vec<String> = self.layers.keys().filter(|layer| !used.contains(*layer)).cloned().collect();
        unused.sort();
        unused
    }

    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    pub fn len(&self) -> usize {
        self.layers.len()
    }
}

/// For models whose layers have the names of the file.
pub fn unchanged(layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
    Ok(vec![(layer.into(), adapter)])
}

#[derive(Default)]
struct Half {
    down: Option<Tensor>,
    up: Option<Tensor>,
    alpha: Option<f64>,
}

impl Half {
    fn whole(self, layer: &str, scale: f64) -> Result<Adapter, LoadError> {
        let error = |found: &str, expected: &str| LoadError::Adapter {
            layer: layer.into(),
            found: found.into(),
            expected: expected.into(),
        };
        let (Some(down), Some(up)) = (self.down, self.up) else {
            return Err(error("one of two matrices", "a pair, `down` and `up` (`lora_A` and `lora_B`)"));
        };
        let rank = down.dims().first().copied().unwrap_or(0);
        if down.rank() < 2 || up.rank() != down.rank() || up.dim(1)? != rank || rank == 0 {
            let found = format!("{:?} and {:?}", down.dims(), up.dims());
            return Err(error(&found, "(rank, in) and (out, rank)"));
        }
        let alpha = self.alpha.unwrap_or(rank as f64);
        Ok(Adapter { down, up, scale: scale * alpha / rank as f64 })
    }
}

fn placed(values: Vec<f32>, shape: &[usize], compute: &Compute) -> candle_core::Result<Tensor> {
    Tensor::from_vec(values, shape, &compute.device)?.to_dtype(compute.dtype)
}

/// The beginnings of names, and the part that each stands for; longer ones first.
const PARTS: [(&str, &str); 12] = [
    ("lora_transformer_", "transformer"),
    ("lora_unet_", "unet"),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("lora_te_", "text_encoder"),
    ("base_model.model.", "unet"),
    ("diffusion_model.", "transformer"),
    ("text_encoder_2.", "text_encoder_2"),
    ("text_encoder.", "text_encoder"),
    ("transformer.", "transformer"),
    ("unet.", "unet"),
    ("", "unet"),
];

/// The ends of names, by role.
const ROLES: [(&str, Role); 9] = [
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
    (".alpha", Role::Alpha),
];

/// Takes a tensor's name apart, whichever of the customs it follows.
pub fn parse(name: &str) -> Option<Name> {
    let (layer, role) = ROLES.iter().find_map(|(end, role)| Some((name.strip_suffix(end)?, *role)))?;
    let (rest, part) = PARTS.iter().find_map(|(start, part)| Some((layer.strip_prefix(start)?, *part)))?;
    // The older custom of attention processors: `attn1.processor.to_q_lora`.
    let rest = rest.replace(".processor.", ".");
    Some(Name { layer: format!("{part}_{}", flat(&rest)), role })
}

/// With `_` for `.`, and without the wrapping that some text encoders have around all names.
fn flat(name: &str) -> String {
    let name = name.replace('.', "_");
    name.strip_prefix("text_model_").unwrap_or(&name).into()
}

/// One layer of a file that is several here: each of `names` behind `place` gets its share of the rows of `up`.
pub fn split(
    place: &str,
    names: &[&str],
    shares: &[usize],
    layer: &str,
    adapter: &Adapter,
) -> Result<Vec<(String, Adapter)>, LoadError> {
    let (rows, whole) = (adapter.up.dim(0)?, shares.iter().sum::<usize>());
    if !rows.is_multiple_of(whole) {
        let (found, expected) = (format!("{rows} rows"), format!("a multiple of {whole} rows"));
        return Err(LoadError::Adapter { layer: layer.into(), found, expected });
    }
    let mut first = 0;
    let part = |(name, share): (&&str, &usize)| {
        let count = rows / whole * share;
        let up = adapter.up.narrow(0, first, count)?.contiguous()?;
        first += count;
        Ok((format!("{place}{name}"), Adapter { up, ..adapter.clone() }))
    };
    names.iter().zip(shares).map(part).collect()
}
