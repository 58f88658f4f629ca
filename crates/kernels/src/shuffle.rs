//! Pixels into channels and back, as whole rows.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use crate::{fused, plain, storage::slice};

/// (batch, channels, height, width) to (batch, channels * factor * factor, height / factor, width / factor):
/// pixel (y, x) of each square becomes channel `y * factor + x` of its channel's.
pub fn pixel_unshuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    if !fused(x) {
        return plain::pixel_unshuffle(x, factor);
    }
    x.contiguous()?.apply_op1(Shuffle { factor, direction: Direction::IntoChannels })
}

/// The inverse of `pixel_unshuffle`.
pub fn pixel_shuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    if !fused(x) {
        return plain::pixel_shuffle(x, factor);
    }
    x.contiguous()?.apply_op1(Shuffle { factor, direction: Direction::OutOfChannels })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    IntoChannels,
    OutOfChannels,
}

struct Shuffle {
    factor: usize,
    direction: Direction,
}

impl CustomOp1 for Shuffle {
    fn name(&self) -> &'static str {
        "pixel_shuffle"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let (f, x) = (self.factor, slice(storage, layout)?);
        let square = f * f;
        let mut y = vec![0.0; x.len()];
        if self.direction == Direction::IntoChannels {
            if f == 0 || !height.is_multiple_of(f) || !width.is_multiple_of(f) {
                bail!("pixel_unshuffle: {height} by {width} pixels do not divide by {f}");
            }
            let (rows, columns) = (height / f, width / f);
            for (n, out) in y.chunks_exact_mut(columns).enumerate() {
                let (channel, row) = (n / rows, n % rows);
                let (plane, tap) = (channel / square, channel % square);
                let line = &x[(plane * height + row * f + tap / f) * width..][..width];
                out.iter_mut().zip(line[tap % f..].iter().step_by(f)).for_each(|(out, &x)| *out = x);
            }
            return Ok((CpuStorage::F32(y), Shape::from((batch, channels * square, rows, columns))));
        }
        if f == 0 || !channels.is_multiple_of(square) {
            bail!("pixel_shuffle: {channels} channels do not divide by {square}");
        }
        let (rows, columns) = (height * f, width * f);
        for (n, out) in y.chunks_exact_mut(columns).enumerate() {
            let (plane, row) = (n / rows, n % rows);
            for across in 0..f {
                let channel = plane * square + row % f * f + across;
                let line = &x[(channel * height + row / f) * width..][..width];
                out[across..].iter_mut().step_by(f).zip(line).for_each(|(out, &x)| *out = x);
            }
        }
        Ok((CpuStorage::F32(y), Shape::from((batch, channels / square, rows, columns))))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        match self.direction {
            Direction::IntoChannels => pixel_shuffle(gradient, self.factor).map(Some),
            Direction::OutOfChannels => pixel_unshuffle(gradient, self.factor).map(Some),
        }
    }
}
