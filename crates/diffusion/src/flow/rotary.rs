//! Rotary positions: pairs of values turned by an angle that grows with the token's place.

use candle_core::{CpuStorage, CustomOp3, DType, Error, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::Compute;

/// Which values of a head are turned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairing {
    /// Each with its neighbour.
    Neighbours,
    /// Each of the first half with its like in the second.
    Halves,
}

/// The angles of a sequence of tokens: cosines and sines, (tokens, width / 2).
#[derive(Clone)]
pub(crate) struct Rotary {
    cosines: Tensor,
    sines: Tensor,
    pairing: Pairing,
}

impl Rotary {
    /// Each token has a place on several axes; each axis turns `widths` values of a head.
    pub fn new<const AXES: usize>(
        places: &[[usize; AXES]],
        widths: &[usize],
        theta: f64,
        pairing: Pairing,
        compute: &Compute,
    ) -> Result<Self> {
        if widths.len() != AXES {
            bail!("positions have {AXES} axes, and the network has {}", widths.len());
        }
        let half = widths.iter().sum::<usize>() / 2;
        let rates: Vec<(usize, f64)> = widths
            .iter()
            .enumerate()
            .flat_map(|(axis, &width)| {
                (0..width / 2).map(move |n| (axis, theta.powf(-((2 * n) as f64) / width as f64)))
            })
            .collect();
        let angles = || places.iter().flat_map(|place| rates.iter().map(|&(axis, rate)| place[axis] as f64 * rate));
        let tensor = |values: Vec<f32>| Tensor::from_vec(values, (places.len(), half), &compute.device);
        Ok(Self {
            cosines: tensor(angles().map(|angle| angle.cos() as f32).collect())?,
            sines: tensor(angles().map(|angle| angle.sin() as f32).collect())?,
            pairing,
        })
    }

    /// `x` (batch, tokens, heads, width).
    pub fn turn(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.contiguous()?;
        if x.device().is_cpu() && x.dtype() == DType::F32 {
            return x.apply_op3(&self.cosines, &self.sines, Turn(self.pairing));
        }
        self.turn_plainly(&x)
    }

    /// The same out of operations that every device has.
    fn turn_plainly(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, tokens, heads, width) = x.dims4()?;
        let (pairs, axis) = match self.pairing {
            Pairing::Neighbours => ((batch, tokens, heads, width / 2, 2), 4),
            Pairing::Halves => ((batch, tokens, heads, 2, width / 2), 3),
        };
        let table = |table: &Tensor| table.reshape((1, tokens, 1, width / 2))?.unsqueeze(axis);
        let (cosines, sines) = (table(&self.cosines)?, table(&self.sines)?);
        let pairs = x.to_dtype(DType::F32)?.reshape(pairs)?;
        let (first, second) = (pairs.narrow(axis, 0, 1)?, pairs.narrow(axis, 1, 1)?);
        let turned = [
            (first.broadcast_mul(&cosines)? - second.broadcast_mul(&sines)?)?,
            (second.broadcast_mul(&cosines)? + first.broadcast_mul(&sines)?)?,
        ];
        Tensor::cat(&turned, axis)?.reshape(x.shape())?.to_dtype(x.dtype())
    }
}

struct Turn(Pairing);

impl CustomOp3 for Turn {
    fn name(&self) -> &'static str {
        "rotary"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        cosines: &CpuStorage,
        _: &Layout,
        sines: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, tokens, heads, width) = layout.shape().dims4()?;
        let (CpuStorage::F32(x), CpuStorage::F32(cosines), CpuStorage::F32(sines)) = (x, cosines, sines) else {
            bail!("rotary: takes f32 only");
        };
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(Error::RequiresContiguous { op: "rotary" }.bt());
        };
        if cosines.len() != tokens * width / 2 {
            bail!("rotary: {tokens} tokens of {width} values, and {} angles", cosines.len());
        }
        let (x, half) = (&x[start..end], width / 2);
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(heads * width).zip(x.par_chunks(heads * width)).enumerate().for_each(|(token, (y, x))| {
            let at = token % tokens * half;
            let (cosines, sines) = (&cosines[at..][..half], &sines[at..][..half]);
            for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                match self.0 {
                    Pairing::Neighbours => neighbours(y, x, cosines, sines),
                    Pairing::Halves => halves(y, x, cosines, sines),
                }
            }
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }
}

fn neighbours(y: &mut [f32], x: &[f32], cosines: &[f32], sines: &[f32]) {
    for (((y, x), cosine), sine) in y.chunks_exact_mut(2).zip(x.chunks_exact(2)).zip(cosines).zip(sines) {
        y[0] = x[0] * cosine - x[1] * sine;
        y[1] = x[1] * cosine + x[0] * sine;
    }
}

fn halves(y: &mut [f32], x: &[f32], cosines: &[f32], sines: &[f32]) {
    let (first, second) = x.split_at(cosines.len());
    let (y_first, y_second) = y.split_at_mut(cosines.len());
    for n in 0..cosines.len() {
        y_first[n] = first[n] * cosines[n] - second[n] * sines[n];
        y_second[n] = second[n] * cosines[n] + first[n] * sines[n];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fused_turn_is_the_plain_one() {
        let places: Vec<[usize; 2]> = (0..5).map(|n| [n, 7 * n]).collect();
        let values: Vec<f32> = (0..2 * 5 * 3 * 8_u16).map(|n| f32::from(n % 13) - 6.0).collect();
        let x = Tensor::from_vec(values, (2, 5, 3, 8), &candle_core::Device::Cpu).unwrap();
        for pairing in [Pairing::Neighbours, Pairing::Halves] {
            let rotary = Rotary::new(&places, &[2, 6], 100.0, pairing, &Compute::cpu()).unwrap();
            let off = (rotary.turn(&x).unwrap() - rotary.turn_plainly(&x).unwrap()).unwrap();
            let off = off.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(off < 1e-6, "{pairing:?} is off by {off}");
        }
    }
}
