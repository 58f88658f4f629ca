//! Operations of networks that are only run, not trained: asking for a gradient is an error.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::{
    fused,
    math::{self, vectorized},
    plain,
    storage::slice,
};

/// Small enough to spread, large enough to be worth a task.
const CHUNK: usize = 16 * 1024;

/// GELU with the error function.
pub fn gelu_erf(x: &Tensor) -> Result<Tensor> {
    if fused(x) { x.contiguous()?.apply_op1_no_bwd(&GeluErf) } else { x.gelu_erf() }
}

/// (.., 2 width) to (.., width): the first half times the GELU (with the error function) of the second.
pub fn geglu(x: &Tensor) -> Result<Tensor> {
    if fused(x) { x.contiguous()?.apply_op1_no_bwd(&Geglu) } else { plain::geglu(x) }
}

struct GeluErf;
struct Geglu;

impl CustomOp1 for GeluErf {
    fn name(&self) -> &'static str {
        "gelu_erf"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(storage, layout)?;
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| {
            vectorized!(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y = math::gelu_erf(x)));
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }
}

impl CustomOp1 for Geglu {
    fn name(&self) -> &'static str {
        "geglu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut dims = layout.dims().to_vec();
        let both = dims.pop().unwrap_or(0);
        let width = both / 2;
        if width == 0 || !both.is_multiple_of(2) {
            bail!("geglu: the last axis of {:?} has no two halves", layout.dims());
        }
        dims.push(width);
        let x = slice(storage, layout)?;
        let mut y = vec![0.0; x.len() / 2];
        let rows = CHUNK.div_ceil(width);
        y.par_chunks_mut(rows * width).zip(x.par_chunks(rows * both)).for_each(|(y, x)| {
            vectorized!(|| {
                for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(both)) {
                    let (value, gate) = x.split_at(width);
                    for ((y, &value), &gate) in y.iter_mut().zip(value).zip(gate) {
                        *y = value * math::gelu_erf(gate);
                    }
                }
            });
        });
        Ok((CpuStorage::F32(y), Shape::from(dims)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn near(found: &Tensor, expected: &[f32]) {
        let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6), "{found:?} is not {expected:?}");
    }

    #[test]
    fn gelu_follows_the_error_function() {
        let x = Tensor::new(&[-6.0_f32, -2.0, -0.5, 0.0, 0.5, 1.0, 3.0, 20.0], &Device::Cpu).unwrap();
        near(
            &gelu_erf(&x).unwrap(),
            &[-5.9e-9, -0.045_500_264, -0.154_268_77, 0.0, 0.345_731_23, 0.841_344_7, 2.995_950_3, 20.0],
        );
    }

    #[test]
    fn geglu_multiplies_halves() {
        let x = Tensor::new(&[[2.0_f32, 3.0, 1.0, -0.5], [1.0, 1.0, 0.5, 0.0]], &Device::Cpu).unwrap();
        near(&geglu(&x).unwrap(), &[1.682_689_4, -0.462_806_3, 0.345_731_23, 0.0]);
        assert!(geglu(&Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap()).is_err());
    }
}
