//! Single steps of the networks, for measurements beside other implementations (`bench/parts/perception.py`).

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use tintype_engine::{Cancelled, Model, RunError, Step, Watch};
use tintype_kernels::Machine;

use crate::{Depth, Dialect, LoadError, Sam2, Vits, Whisper, weights::Loaded};

/// What a step does when it is called.
pub type Ask = Box<dyn Fn() -> Result<(), RunError>>;

/// Tokens that a step of the writing part reads.
const TOKENS: usize = 16;

/// The step of this name over the weights in `folder`, on as many threads as said. Without such a step: `None`.
pub fn step(name: &str, folder: &Path, threads: usize) -> Loaded<Option<Ask>> {
    let machine = Machine::cpu(threads);
    Ok(Some(match name {
        "whisper-hear" => hear(Whisper::load(Dialect::Whisper, folder, machine)?)?,
        "whisper-write" => write(Whisper::load(Dialect::Whisper, folder, machine)?)?,
        "depth" => {
            let (model, pixels) = (Depth::load(folder, machine)?, noise((1, 3, 518, 518))?);
            Box::new(move || Ok(model.estimate(&pixels).map(drop)?))
        }
        "sam2" => {
            let (model, pixels) = (Sam2::load(folder, machine)?, noise((1, 3, 1024, 1024))?);
            Box::new(move || Ok(model.look(&pixels)?))
        }
        "vits" => say(Vits::load(Some(folder), &["eng"], Some(threads))?),
        _ => return Ok(None),
    }))
}

fn noise(shape: (usize, usize, usize, usize)) -> Loaded<Tensor> {
    Ok(Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu)?)
}

fn hear(model: Whisper) -> Result<Ask, LoadError> {
    let mel = Tensor::zeros((model.mels(), 1, 3000), DType::F32, &Device::Cpu)?;
    Ok(Box::new(move || Ok(model.hear(&mel).map(drop)?)))
}

fn write(model: Whisper) -> Result<Ask, LoadError> {
    let heard = model.hear(&Tensor::zeros((model.mels(), 1, 3000), DType::F32, &Device::Cpu)?)?;
    Ok(Box::new(move || Ok(model.read(&heard, TOKENS)?)))
}

fn say(model: Vits) -> Ask {
    Box::new(move || {
        let input = serde_json::json!({ "text": "the quick brown fox jumps over the lazy dog", "seed": 1 });
        let input = input.as_object().cloned().unwrap_or_default();
        model.plan("/eng", &input)?.run(Vec::new(), &mut Nobody).map(drop)
    })
}

struct Nobody;

impl Watch for Nobody {
    fn note(&mut self, _: &str) {}

    fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
        Ok(())
    }
}
