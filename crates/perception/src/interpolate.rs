//! Scaling of feature maps, as PyTorch's `interpolate` does it.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;
use tintype_kernels::fused;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The corners' centres stay where they are.
    BilinearAligned,
    Bilinear,
    Bicubic,
}

/// `x` (1, channels, height, width) to another height and width.
pub(crate) fn interpolate(x: &Tensor, (height, width): (usize, usize), kind: Kind) -> Result<Tensor> {
    let (_, channels, from_height, from_width) = x.dims4()?;
    if (from_height, from_width) == (height, width) && kind != Kind::Bicubic {
        return Ok(x.clone());
    }
    let (rows, columns) = (taps(from_height, height, kind), taps(from_width, width, kind));
    if !fused(x) {
        return weighed(x, &rows, &columns);
    }
    let values = x.flatten_all()?.to_vec1::<f32>()?;
    let mut out = vec![0.0; channels * height * width];
    let maps = values.par_chunks_exact(from_height * from_width);
    out.par_chunks_exact_mut(height * width).zip(maps).for_each(|(out, map)| {
        let mut wide = Vec::with_capacity(from_height * width);
        for row in map.chunks_exact(from_width) {
            wide.extend(columns.iter().map(|taps| taps.iter().map(|(at, weight)| row[*at] * weight).sum::<f32>()));
        }
        for (out, taps) in out.chunks_exact_mut(width).zip(&rows) {
            for (at, weight) in taps {
                out.iter_mut().zip(&wide[at * width..]).for_each(|(out, value)| *out += value * weight);
            }
        }
    });
    Tensor::from_vec(out, (1, channels, height, width), &Device::Cpu)
}

/// The same as two products with matrices, which every device has.
fn weighed(x: &Tensor, rows: &[Vec<(usize, f32)>], columns: &[Vec<(usize, f32)>]) -> Result<Tensor> {
    let (_, channels, from_height, from_width) = x.dims4()?;
    let matrix = |taps: &[Vec<(usize, f32)>], from: usize| {
        let across = taps.len();
        let mut values = vec![0.0_f32; from * across];
        for (to, taps) in taps.iter().enumerate() {
            for (at, weight) in taps {
                values[at * across + to] += weight;
            }
        }
        Tensor::from_vec(values, (from, across), x.device())?.to_dtype(x.dtype())
    };
    let wide = x.reshape((channels * from_height, from_width))?.matmul(&matrix(columns, from_width)?)?;
    let turned = wide.reshape((channels, from_height, columns.len()))?.transpose(1, 2)?.contiguous()?;
    let high = turned.reshape((channels * columns.len(), from_height))?.matmul(&matrix(rows, from_height)?)?;
    high.reshape((1, channels, columns.len(), rows.len()))?.transpose(2, 3)?.contiguous()
}

/// Which values make each value, and how much of each.
fn taps(from: usize, to: usize, kind: Kind) -> Vec<Vec<(usize, f32)>> {
    let last = from - 1;
    let clamp = |at: isize| at.clamp(0, last as isize) as usize;
    let place = |n: usize| match kind {
        Kind::BilinearAligned if to > 1 => n as f32 * (last as f32 / (to - 1) as f32),
        Kind::BilinearAligned => 0.0,
        Kind::Bilinear => ((n as f32 + 0.5) * (from as f32 / to as f32) - 0.5).max(0.0),
        Kind::Bicubic => (n as f32 + 0.5) * (from as f32 / to as f32) - 0.5,
    };
    let one = |n: usize| {
        let at = place(n);
        let (whole, part) = (at.floor() as isize, at - at.floor());
        match kind {
            Kind::Bicubic => (-1..3).map(|tap| (clamp(whole + tap), cubic(part - tap as f32))).collect(),
            _ => vec![(clamp(whole), 1.0 - part), (clamp(whole + 1), part)],
        }
    };
    (0..to).map(one).collect()
}

fn cubic(x: f32) -> f32 {
    const A: f32 = -0.75;
    let x = x.abs();
    if x <= 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(to: usize, kind: Kind) -> Vec<f32> {
        let x = Tensor::new(&[[[[0.0_f32, 1.0, 3.0]]]], &Device::Cpu).unwrap();
        interpolate(&x, (1, to), kind).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn products_of_matrices_scale_alike() {
        let values: Vec<f32> = (0..2 * 4 * 5_u16).map(|n| f32::from(n * n % 11)).collect();
        let x = Tensor::from_vec(values, (1, 2, 4, 5), &Device::Cpu).unwrap();
        for kind in [Kind::BilinearAligned, Kind::Bilinear, Kind::Bicubic] {
            for size in [(7, 3), (1, 9), (4, 5)] {
                let expected = interpolate(&x, size, kind).unwrap();
                let double = interpolate(&x.to_dtype(candle_core::DType::F64).unwrap(), size, kind).unwrap();
                assert_eq!(double.dtype(), candle_core::DType::F64);
                let off = crate::parity::worst(&double, &expected);
                assert!(off < 1e-4, "{kind:?} to {size:?} is off by {off}");
            }
        }
    }

    fn near(found: &[f32], expected: &[f32]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} is not {expected:?}");
    }

    #[test]
    fn rows_are_scaled_as_in_pytorch() {
        near(&scaled(5, Kind::BilinearAligned), &[0.0, 0.5, 1.0, 2.0, 3.0]);
        near(&scaled(6, Kind::Bilinear), &[0.0, 0.25, 0.75, 1.5, 2.5, 3.0]);
        near(&scaled(6, Kind::Bicubic), &[-0.105_468_75, 0.156_25, 0.562_5, 1.558_593_8, 2.582_031_2, 3.210_937_5]);
    }
}
