//! The network: a convolutional U-Net around a transformer that reads the prompt's words.

mod adapter;
mod layers;
mod text;
mod transformer;
mod upscale;

use candle_core::{DType, Device, Result, Tensor};
use tintype_kernels::{group_norm_silu, pixel_shuffle, pixel_unshuffle};

use super::weights::{LoadError, Weights};
use crate::flow::Schedule;
pub(super) use adapter::Adapter;
use layers::{Conv, GroupNorm, Linear, Residual};
use text::Reader;
pub use text::Words;
use transformer::Transformer;
use upscale::Upscale;

/// Pixels a side of what the network draws.
pub(super) const SIDE: usize = 64;
/// How many times finer `refine` makes it.
pub(super) const FINER: usize = 4;
const EPSILON: f32 = 1e-6;
const GROUP_EPSILON: f32 = 1e-5;
const GROUPS: usize = 8;

/// What a call gets that does not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Defaults {
    pub steps: u32,
    pub guidance: f32,
}

pub struct Network {
    reader: Reader,
    time: [Linear; 2],
    rates: Tensor,
    modulate: Linear,
    enter: Conv,
    down_high: Residual,
    to_middle: Conv,
    down_middle: Residual,
    transformer: Transformer,
    join_middle: Conv,
    up_middle: [Residual; 2],
    from_middle: Conv,
    join_high: Conv,
    up_high: [Residual; 2],
    leave_norm: GroupNorm,
    leave: Conv,
    upscale: Upscale,
    schedule: Schedule,
    defaults: Defaults,
}

/// Words for each picture of a batch, as the layers want them.
pub struct Prompt {
    pooled: Tensor,
    keys: transformer::WordKeys,
    /// What tells the frames of a clip apart, (1, frames, 1, width).
    moments: Option<Tensor>,
}

impl Prompt {
    /// Pictures that are drawn at once: the frames of a clip, or one.
    pub fn frames(&self) -> usize {
        self.moments.as_ref().map_or(1, |moments| moments.dims()[1])
    }
}

impl Network {
    pub fn load(bytes: &[u8]) -> std::result::Result<Self, LoadError> {
        Self::from_weights(&Weights::read(bytes)?)
    }

    pub(super) fn from_weights(w: &Weights) -> std::result::Result<Self, LoadError> {
        let residual = |name: &str| Residual::load(w, name);
        Ok(Self {
            reader: Reader::load(w)?,
            time: [Linear::load(w, "time1")?, Linear::load(w, "time2")?],
            rates: rates(w.number("frequencies")?)?,
            modulate: Linear::load(w, "modulate")?,
            enter: Conv::load(w, "enter")?,
            down_high: residual("down_high")?,
            to_middle: Conv::load(w, "to_middle")?,
            down_middle: residual("down_middle")?,
            transformer: Transformer::load(w)?,
            join_middle: Conv::load(w, "join_middle")?,
            up_middle: [residual("up_middle.0")?, residual("up_middle.1")?],
            from_middle: Conv::load(w, "from_middle")?,
            join_high: Conv::load(w, "join_high")?,
            up_high: [residual("up_high.0")?, residual("up_high.1")?],
            leave_norm: GroupNorm::load(w, "leave_norm")?,
            leave: Conv::load(w, "leave")?,
            upscale: Upscale::load(w)?,
            schedule: Schedule { shift: w.number("shift")?, least: w.number("t_min")? },
            defaults: Defaults { steps: w.number("steps")?, guidance: w.number("guidance")? },
        })
    }

    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    pub fn defaults(&self) -> Defaults {
        self.defaults
    }

    /// Reads one prompt's ids.
    pub fn read(&self, ids: &[u32]) -> Result<Words> {
        self.reader.read(ids)
    }

    /// Prepares several prompts for `denoise`, one for each picture of the batch.
    pub fn prompt(&self, words: &[&Words]) -> Result<Prompt> {
        self.prepare(words, None)
    }

    /// Reads one prompt's ids as words that mean what `table` (words, width) says.
    pub fn read_with(&self, ids: &[u32], table: &Tensor) -> Result<Words> {
        self.reader.read_with(ids, table)
    }

    /// As `prompt`, for clips: one for each frame, clip by clip, and `moments` (frames, width), which is added to the
    /// cells of each frame.
    pub fn clip(&self, words: &[&Words], moments: &Tensor) -> Result<Prompt> {
        self.prepare(words, Some(moments.unsqueeze(1)?.unsqueeze(0)?))
    }

    fn prepare(&self, words: &[&Words], moments: Option<Tensor>) -> Result<Prompt> {
        let pooled: Vec<&Tensor> = words.iter().map(|words| &words.pooled).collect();
        let frames = moments.as_ref().map_or(Ok(1), |moments| moments.dim(1))?;
        Ok(Prompt { pooled: Tensor::cat(&pooled, 0)?, keys: self.transformer.word_keys(words, frames)?, moments })
    }

    /// The clean pictures that the network sees in `noisy` (batch, 3, 64, 64) at one noise level. The frames of a clip
    /// follow each other.
    pub fn denoise(&self, noisy: &Tensor, level: f32, prompt: &Prompt) -> Result<Tensor> {
        let condition = self.condition(level, prompt)?;
        let high = self.enter.forward(&pixel_unshuffle(noisy, 2)?)?;
        let high = self.down_high.forward(&high, &condition)?;
        let middle = self.to_middle.forward(&pixel_unshuffle(&high, 2)?)?;
        let middle = self.down_middle.forward(&middle, &condition)?;
        let cells = pixel_unshuffle(&middle, 2)?;
        let cells = self.transform(&cells, &condition, prompt)?;
        let cells = pixel_shuffle(&cells, 2)?;
        let h = self.join_middle.forward(&Tensor::cat(&[&cells, &middle], 1)?)?;
        let h = self.up_middle[1].forward(&self.up_middle[0].forward(&h, &condition)?, &condition)?;
        let h = pixel_shuffle(&self.from_middle.forward(&h)?, 2)?;
        let h = self.join_high.forward(&Tensor::cat(&[&h, &high], 1)?)?;
        let h = self.up_high[1].forward(&self.up_high[0].forward(&h, &condition)?, &condition)?;
        let (scale, shift) = self.leave_norm.plain(h.dim(0)?)?;
        let h = group_norm_silu(&h, &scale, &shift, GROUPS, GROUP_EPSILON)?;
        pixel_shuffle(&self.leave.forward(&h)?, 2)
    }

    fn transform(&self, cells: &Tensor, condition: &Tensor, prompt: &Prompt) -> Result<Tensor> {
        self.transformer.forward(cells, &self.modulate.forward(condition)?, &prompt.keys, prompt.moments.as_ref())
    }

    /// Pictures (batch, 3, 64, 64) four times finer.
    pub fn refine(&self, pictures: &Tensor) -> Result<Tensor> {
        self.upscale.forward(pictures)
    }

    /// What steers the layers: the noise level and the prompt as a whole.
    fn condition(&self, level: f32, prompt: &Prompt) -> Result<Tensor> {
        let angles = (&self.rates * (1000.0 * f64::from(level)))?;
        let features = Tensor::cat(&[angles.sin()?, angles.cos()?], 1)?;
        let [first, second] = &self.time;
        let level = second.forward(&tintype_kernels::silu(&first.forward(&features)?)?)?;
        tintype_kernels::silu(&prompt.pooled.broadcast_add(&level)?)
    }
}

/// Geometric rates from 1 down to nearly 1 / 10,000.
fn rates(frequencies: usize) -> Result<Tensor> {
    let half = frequencies / 2;
    let rates: Vec<f32> = (0..half).map(|j| (-(10_000_f64.ln()) * j as f64 / half as f64).exp() as f32).collect();
    Tensor::from_vec(rates, (1, half), &Device::Cpu)?.to_dtype(DType::F32)
}
