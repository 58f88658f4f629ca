//! Convolution over time, for sound that lies as (frames, channels): what is under a kernel is then a run of memory, and
//! the runs of all frames, each a frame further on, are a matrix whose rows overlap. Nothing is laid out for the
//! product but the frames themselves, once; frames `dilation` apart are brought together there, as the kernel sees them.
//!
//! For networks that are only run: there is no gradient.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::{
    math::vectorized,
    matrix::{Block, View},
    storage::{copied, slice},
};

/// Values of one thread's piece of the input, and the fewest frames of it: each piece lays the weight out anew.
const VALUES: usize = 64 * 1024;
const FEWEST: usize = 1024;

/// What lies under the kernel at each frame.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    pub size: usize,
    pub dilation: usize,
    /// Frames of nothing before the first, and behind the last.
    pub pad: (usize, usize),
    /// What values below zero are multiplied with before: 1 changes nothing.
    pub slope: f32,
}

/// `x` (frames, in), `weight` (out, size * in) with the taps one after the other, `bias` (out) to (frames + pads - reach
/// of the kernel, out), with `add` of that shape added. `weight` is read best as the transpose of a contiguous tensor.
pub fn conv1d(x: &Tensor, weight: &Tensor, bias: &Tensor, kernel: Kernel, add: Option<&Tensor>) -> Result<Tensor> {
    let ((frames, inputs), (out, depth)) = (x.dims2()?, weight.dims2()?);
    let reach = kernel.size.saturating_sub(1) * kernel.dilation;
    let count = (frames + kernel.pad.0 + kernel.pad.1).saturating_sub(reach);
    let fits = kernel.size > 0 && kernel.dilation > 0 && depth == kernel.size * inputs && bias.dims() == [out];
    if !fits || frames == 0 || count == 0 || add.is_some_and(|add| add.dims() != [count, out]) {
        bail!("conv1d: x {:?}, weight {:?}, bias {:?} and {kernel:?} do not fit", x.dims(), weight.dims(), bias.dims());
    }
    let op = Conv1d { kernel, count, add: add.cloned() };
    x.contiguous()?.apply_op3_no_bwd(&weight.t()?.contiguous()?, &bias.contiguous()?, &op)
}

struct Conv1d {
    kernel: Kernel,
    /// Frames of the result.
    count: usize,
    add: Option<Tensor>,
}

impl CustomOp3 for Conv1d {
    fn name(&self) -> &'static str {
        "conv1d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((_, inputs), (depth, out)) = (x_layout.shape().dims2()?, weight_layout.shape().dims2()?);
        let (x, weight, bias) = (slice(x, x_layout)?, slice(weight, weight_layout)?, slice(bias, bias_layout)?);
        let mut y = match &self.add {
            Some(add) => copied(add)?,
            None => vec![0.0; self.count * out],
        };
        let weight = View::new(weight, depth, out);
        Work { x, weight, bias, inputs, kernel: self.kernel }.run(&mut y, out);
        Ok((CpuStorage::F32(y), Shape::from((self.count, out))))
    }
}

struct Work<'a> {
    x: &'a [f32],
    /// (depth, out)
    weight: View<'a>,
    bias: &'a [f32],
    inputs: usize,
    kernel: Kernel,
}

impl Work<'_> {
    /// Adds to what `y` holds.
    fn run(&self, y: &mut [f32], out: usize) {
        let (dilation, count) = (self.kernel.dilation, y.len() / out);
        let most = (VALUES / self.inputs).max(FEWEST);
        let pieces = Block::new(y, count, out).split(most, out);
        pieces.into_par_iter().enumerate().for_each_init(Vec::new, |space, (n, piece)| {
            for (phase, block) in piece.interleaved(dilation).into_iter().enumerate() {
                self.every(n * most + phase, block, space);
            }
        });
    }

    /// The frames from `first` on that are `dilation` apart.
    fn every(&self, first: usize, mut block: Block<'_>, space: &mut Vec<f32>) {
        let (width, size, rows) = (self.inputs, self.kernel.size, block.rows());
        self.gather(first, rows + size - 1, space);
        for row in 0..rows {
            block.row(row).iter_mut().zip(self.bias).for_each(|(y, bias)| *y += bias);
        }
        block.multiply(true, 1.0, View::strided(space, rows, size * width, width), self.weight);
    }

    /// `count` frames, `dilation` apart, that lie under the kernel from `first` on.
    fn gather(&self, first: usize, count: usize, space: &mut Vec<f32>) {
        let Self { x, inputs: width, kernel: Kernel { dilation, pad, slope, .. }, .. } = *self;
        space.resize(count * width, 0.0);
        vectorized!(|| {
            for (n, out) in space.chunks_exact_mut(width).enumerate() {
                let start = (first + n * dilation).checked_sub(pad.0).map(|frame| frame * width);
                let Some(frame) = start.and_then(|start| x.get(start..start + width)) else {
                    out.fill(0.0);
                    continue;
                };
                out.iter_mut().zip(frame).for_each(|(y, &x)| *y = if x < 0.0 { x * slope } else { x });
            }
        });
    }
}
