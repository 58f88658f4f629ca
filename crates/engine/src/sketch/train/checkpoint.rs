//! What a run leaves behind now and then, so that a later attempt goes on from there.

use std::{
    collections::HashMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor, Var};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::{super::lora::serialize, input::Call, optimizer::Adam};

const NAME: &str = "checkpoint.safetensors";
const ABOUT: &str = "tintype-sketch-training";
/// What a crash may cost.
const EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub(super) enum CheckpointError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    File(#[from] safetensors::SafeTensorError),
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    #[error("it lacks a part")]
    Part,
}

/// Where checkpoints of one run are.
pub(super) struct Checkpoints {
    path: PathBuf,
    /// Of what is trained, and how: a checkpoint of anything else is not used.
    fingerprint: String,
    saved: Instant,
}

/// One that was found.
pub(super) struct Checkpoint {
    tensors: HashMap<String, Tensor>,
    pub about: About,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct About {
    fingerprint: String,
    pub step: u32,
    pub seed: u64,
    pub loss: f64,
}

/// What a checkpoint holds.
pub(super) struct State<'a> {
    pub step: u32,
    pub seed: u64,
    pub loss: f64,
    pub variables: &'a [&'a Var],
    pub adam: &'a Adam,
    pub kept: &'a [Tensor],
}

impl Checkpoints {
    pub fn new(folder: &Path, call: &Call, archive: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        // The seed is not part of it: one that nobody gave is another at each attempt.
        let Call { trigger, steps, learning_rate, rank, is_style, .. } = call;
        (trigger, steps, learning_rate.to_bits(), rank, is_style, archive).hash(&mut hasher);
        let fingerprint = format!("{} {:016x}", env!("CARGO_PKG_VERSION"), hasher.finish());
        Self { path: folder.join(NAME), fingerprint, saved: Instant::now() }
    }

    /// The latest, if there is one that can be read and belongs to this run.
    pub fn find(&self) -> Option<Checkpoint> {
        let bytes = fs::read(&self.path).ok()?;
        let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
        let about: About = serde_json::from_str(header.metadata().as_ref()?.get(ABOUT)?).ok()?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).ok()?;
        (about.fingerprint == self.fingerprint).then_some(Checkpoint { tensors, about })
    }

    pub fn are_due(&self) -> bool {
        self.saved.elapsed() >= EVERY
    }

    /// Replaces the latest as a whole, or not at all.
    pub fn save(&mut self, state: &State<'_>) -> Result<(), CheckpointError> {
        let State { step, seed, loss, variables, adam, kept } = *state;
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        for (n, variable) in variables.iter().enumerate() {
            let mean = |values: &[f32]| Tensor::from_slice(values, variable.shape(), &Device::Cpu);
            tensors.push((format!("value.{n}"), variable.as_detached_tensor()));
            tensors.push((format!("first.{n}"), mean(&adam.first[n])?));
            tensors.push((format!("second.{n}"), mean(&adam.second[n])?));
        }
        tensors.push(("kept".into(), Tensor::cat(kept, 0)?));
        let named: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
        let about = About { fingerprint: self.fingerprint.clone(), step, seed, loss };
        let about = serde_json::to_string(&about).map_err(io::Error::from)?;
        let draft = self.path.with_extension("new");
        fs::write(&draft, serialize(&named, (ABOUT, about))?)?;
        fs::rename(&draft, &self.path)?;
        self.saved = Instant::now();
        Ok(())
    }
}

impl Checkpoint {
    /// The pictures of the model's own that the run keeps in mind.
    pub fn kept(&self) -> Result<Vec<Tensor>, CheckpointError> {
        let kept = self.tensors.get("kept").ok_or(CheckpointError::Part)?;
        Ok(kept.chunk(kept.dim(0)?, 0)?)
    }

    pub fn restore(&self, variables: &[&Var], adam: &mut Adam) -> Result<(), CheckpointError> {
        let part = |name: String| self.tensors.get(&name).ok_or(CheckpointError::Part);
        for (n, variable) in variables.iter().enumerate() {
            variable.set(part(format!("value.{n}"))?)?;
            adam.first[n] = part(format!("first.{n}"))?.flatten_all()?.to_vec1()?;
            adam.second[n] = part(format!("second.{n}"))?.flatten_all()?.to_vec1()?;
            if adam.first[n].len() != variable.elem_count() || adam.second[n].len() != variable.elem_count() {
                return Err(CheckpointError::Part);
            }
        }
        adam.steps = self.about.step;
        Ok(())
    }
}
