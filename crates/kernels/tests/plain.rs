//! Where no operation is fused, as on accelerators: each says the same there. On the CPU that is so in every precision
//! but the single one.

use candle_core::{DType, Device, Result, Tensor, Var};
use tintype_kernels::{
    Norm, attention, conv2d, geglu, gelu, gelu_erf, gelu_exact, group_norm, group_norm_silu, linear, masked_attention,
    modulated_norm, pixel_shuffle, pixel_unshuffle, silu, softmax,
};

type Operation = dyn Fn(&[Tensor]) -> Result<Tensor>;

fn waves(dims: &[usize]) -> Tensor {
    let values = (0..dims.iter().product::<usize>()).map(|n| (n as f32 * 0.7 + dims.len() as f32).sin() * 1.5);
    Tensor::from_vec(values.collect::<Vec<f32>>(), dims, &Device::Cpu).unwrap()
}

/// The largest difference, as a share of the largest value.
fn off(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.dims(), expected.dims());
    let greatest = |t: &Tensor| t.abs().unwrap().max_all().unwrap().to_dtype(DType::F64).unwrap().to_scalar().unwrap();
    let expected = expected.to_dtype(DType::F64).unwrap();
    let apart: f64 = greatest(&(found.to_dtype(DType::F64).unwrap() - &expected).unwrap());
    apart / f64::max(greatest(&expected), 1e-3)
}

#[track_caller]
fn same(operation: &Operation, dims: &[&[usize]]) {
    let arguments: Vec<Tensor> = dims.iter().map(|dims| waves(dims)).collect();
    let expected = operation(&arguments).unwrap();
    for (dtype, tolerance) in [(DType::F64, 1e-5), (DType::F16, 1e-2)] {
        let arguments: Vec<Tensor> = arguments.iter().map(|t| t.to_dtype(dtype).unwrap()).collect();
        let found = operation(&arguments).unwrap();
        assert_eq!(found.dtype(), dtype);
        let off = off(&found, &expected);
        assert!(off < tolerance, "{dtype:?} is off by {off}");
    }
}

#[test]
fn activations() {
    for operation in [silu, gelu, gelu_erf, gelu_exact, softmax, geglu] {
        same(&move |x| operation(&x[0]), &[&[3, 4, 10]]);
    }
}

#[test]
fn products() {
    same(&|x| linear(&x[0], &x[1], &x[2]), &[&[2, 5, 8], &[7, 8], &[7]]);
    same(&|x| linear(&x[0].transpose(1, 2)?, &x[1], &x[2]), &[&[2, 8, 5], &[7, 8], &[7]]);
    same(&|x| conv2d(&x[0], &x[1], &x[2]), &[&[2, 3, 6, 5], &[4, 3, 3, 3], &[4]]);
    same(&|x| conv2d(&x[0], &x[1], &x[2]), &[&[1, 3, 6, 5], &[4, 3, 1, 1], &[4]]);
}

#[test]
fn attentions() {
    let (queries, keys): (&[usize], &[usize]) = (&[2, 6, 3, 4], &[2, 5, 3, 4]);
    same(&|x| attention(&x[0], &x[1], &x[2], None), &[queries, keys, keys]);
    for bias in [[2, 1, 5], [2, 3, 5]] {
        same(&|x| attention(&x[0], &x[1], &x[2], Some(&x[3].to_dtype(DType::F32)?)), &[queries, keys, keys, &bias]);
    }
    for mask in [&[6, 5][..], &[1, 3, 6, 5], &[2, 1, 1, 5]] {
        same(&|x| masked_attention(&x[0], &x[1], &x[2], &x[3]), &[queries, keys, keys, mask]);
    }
}

#[test]
fn a_query_that_sees_no_key_gets_zeros_there_too() {
    let mask = Tensor::full(f32::NEG_INFINITY, (1, 1, 5), &Device::Cpu).unwrap();
    for dtype in [DType::F64, DType::F16] {
        let tokens = |count: usize| waves(&[1, count, 3, 4]).to_dtype(dtype).unwrap();
        let q = Var::from_tensor(&tokens(6)).unwrap();
        let y = attention(&q, &tokens(5), &tokens(5), Some(&mask)).unwrap();
        let gradient = y.sum_all().unwrap().backward().unwrap().get(&q).unwrap().clone();
        for found in [y, gradient] {
            let found: Vec<f64> = found.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap();
            assert!(found.iter().all(|x| *x == 0.0), "{dtype:?}");
        }
    }
}

#[test]
fn normalisations() {
    for norm in [Norm::Layer, Norm::RootMeanSquare] {
        same(&move |x| modulated_norm(&x[0], &x[1], &x[2], norm, 1e-5), &[&[2, 5, 8], &[2, 8], &[2, 8]]);
        same(&move |x| modulated_norm(&x[0], &x[1], &x[2], norm, 1e-5), &[&[2, 5, 3, 8], &[1, 8], &[1, 8]]);
    }
    let dims: [&[usize]; 3] = [&[2, 6, 4, 3], &[2, 6], &[2, 6]];
    same(&|x| group_norm(&x[0], &x[1], &x[2], 3, 1e-5), &dims);
    same(&|x| group_norm_silu(&x[0], &x[1], &x[2], 2, 1e-5), &dims);
}

#[test]
fn shuffles() {
    same(&|x| pixel_shuffle(&x[0], 2), &[&[2, 12, 3, 2]]);
    same(&|x| pixel_unshuffle(&x[0], 3), &[&[2, 2, 6, 3]]);
}

#[test]
fn what_does_not_fit_is_an_error_there_too() {
    let x = waves(&[1, 3, 4, 4]).to_dtype(DType::F64).unwrap();
    assert!(pixel_shuffle(&x, 2).is_err() && pixel_shuffle(&x, 0).is_err() && pixel_unshuffle(&x, 3).is_err());
    assert!(geglu(&waves(&[2, 3]).to_dtype(DType::F64).unwrap()).is_err());
}
