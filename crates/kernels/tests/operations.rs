//! Every operation against the same thing written with candle's own, and its gradients against candle's
//! and against finite differences.

use candle_core::{D, Device, Result, Tensor, Var};
use tintype_kernels::{
    Kernel, Norm, attention, conv1d, conv2d, gelu, group_norm, group_norm_silu, linear, modulated_norm, norm,
    pixel_shuffle, pixel_unshuffle, silu, softmax,
};

type Operation = dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Values that look random and are the same each time, about one in size.
fn noise(seed: u32, dims: &[usize]) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX) * 3.4 - 1.7
    };
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| next() as f32).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
    values.into_iter().map(f64::from).collect()
}

fn dot(a: &Tensor, b: &Tensor) -> f64 {
    values(a).iter().zip(values(b)).map(|(a, b)| a * b).sum()
}

/// The largest difference, as a share of the largest value.
fn difference(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(found), values(expected));
    let scale = expected.iter().fold(1e-3_f64, |a, b| a.max(b.abs()));
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / scale).fold(0.0, f64::max)
}

fn gradients(operation: &Operation, arguments: &[Tensor], weights: &Tensor) -> Vec<Tensor> {
    let variables: Vec<Var> = arguments.iter().map(|a| Var::from_tensor(a).unwrap()).collect();
    let inputs: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let loss = (operation(&inputs).unwrap() * weights).unwrap().sum_all().unwrap();
    let store = loss.backward().unwrap();
    variables.iter().map(|v| store.get(v).expect("every argument has a gradient").clone()).collect()
}

/// How the result moves when one argument moves in a direction, by a central difference.
fn slope(operation: &Operation, arguments: &[Tensor], which: usize, direction: &Tensor, weights: &Tensor) -> f64 {
    let at = |step: f64| {
        let mut moved = arguments.to_vec();
        moved[which] = (&moved[which] + (direction * step).unwrap()).unwrap();
        dot(&operation(&moved).unwrap(), weights)
    };
    (at(1e-2) - at(-1e-2)) / 2e-2
}

fn check(fused: &Operation, plain: &Operation, arguments: &[Tensor]) {
    let result = fused(arguments).unwrap();
    let expected = plain(arguments).unwrap();
    assert!(difference(&result, &expected) < 2e-6, "forward differs by {}", difference(&result, &expected));
    let weights = noise(99, result.dims());
    let found = gradients(fused, arguments, &weights);
    for (n, (found, expected)) in found.iter().zip(gradients(plain, arguments, &weights)).enumerate() {
        assert!(difference(found, &expected) < 2e-5, "gradient {n} differs by {}", difference(found, &expected));
        let direction = noise(7 + n as u32, found.dims());
        let (exact, measured) = (dot(found, &direction), slope(fused, arguments, n, &direction, &weights));
        let size = dot(found, found).sqrt() * dot(&direction, &direction).sqrt();
        assert!((exact - measured).abs() < 2e-3 * size, "slope {n} is {measured}, gradient says {exact}");
    }
}

#[test]
fn convolution_is_a_convolution_at_every_kernel_and_tile() {
    // The last kernel reaches over the whole image, and the one before has more channels than one part.
    for (seed, (x, w)) in [
        ([2, 3, 9, 7], [4, 3, 3, 3]),
        ([1, 5, 6, 8], [6, 5, 1, 1]),
        ([1, 2, 5, 3], [3, 2, 5, 5]),
        ([1, 60, 3, 4], [2, 60, 3, 3]),
        ([1, 2, 1, 2], [3, 2, 5, 5]),
    ]
    .iter()
    .enumerate()
    {
        let pad = w[2] / 2;
        let plain =
            move |a: &[Tensor]| a[0].conv2d(&a[1], pad, 1, 1, 1)?.broadcast_add(&a[2].reshape((1, (), 1, 1))?);
        let arguments = [noise(1 + seed as u32, x), noise(20, w), noise(30, &w[..1])];
        check(&|a| conv2d(&a[0], &a[1], &a[2]), &plain, &arguments);
    }
    // More pixels than one tile.
    let arguments = [noise(4, &[2, 48, 32, 32]), noise(5, &[8, 48, 3, 3]), noise(6, &[8])];
    let plain = arguments[0].conv2d(&arguments[1], 1, 1, 1, 1).unwrap();
    let plain = plain.broadcast_add(&arguments[2].reshape((1, 8, 1, 1)).unwrap()).unwrap();
    assert!(difference(&conv2d(&arguments[0], &arguments[1], &arguments[2]).unwrap(), &plain) < 2e-6);
}

#[test]
fn convolution_over_time_sees_what_its_kernel_reaches() {
    // The last has more frames than one piece, and phases of several lengths.
    for (frames, inputs, out, size, dilation, pad) in [
        (9, 3, 4, 3, 1, (1, 1)),
        (7, 2, 5, 5, 3, (6, 6)),
        (4, 6, 2, 2, 1, (1, 1)),
        (2, 3, 3, 4, 5, (8, 9)),
        (2311, 80, 7, 3, 5, (5, 5)),
    ] {
        let (x, bias) = (noise(1, &[frames, inputs]), noise(3, &[out]));
        let weight = noise(2, &[out, inputs, size]);
        let taps = weight.permute((0, 2, 1)).unwrap().contiguous().unwrap().reshape((out, size * inputs)).unwrap();
        let rectified = x.maximum(&(&x * 0.1).unwrap()).unwrap().t().unwrap().unsqueeze(0).unwrap();
        let padded = rectified.pad_with_zeros(2, pad.0, pad.1).unwrap();
        let plain = padded.conv1d(&weight, 0, 1, dilation, 1).unwrap().squeeze(0).unwrap().t().unwrap();
        let plain = plain.broadcast_add(&bias).unwrap();
        let kernel = Kernel { size, dilation, pad, slope: 0.1 };
        assert!(difference(&conv1d(&x, &taps, &bias, kernel, None).unwrap(), &plain) < 2e-6);
        let add = noise(4, plain.dims());
        let found = conv1d(&x, &taps, &bias, kernel, Some(&add)).unwrap();
        assert!(difference(&found, &(plain + add).unwrap()) < 2e-6);
    }
}

fn plain_attention(a: &[Tensor], bias: Option<&Tensor>) -> Result<Tensor> {
    let (batch, queries, heads, width) = a[0].dims4()?;
    let [q, k, v] = [&a[0], &a[1], &a[2]].map(|x| x.transpose(1, 2).unwrap().contiguous().unwrap());
    let mut scores = (q.matmul(&k.t()?)? * (1.0 / (width as f64).sqrt()))?;
    if let Some(bias) = bias {
        let (_, runs, keys) = bias.dims3()?;
        let rows = bias.unsqueeze(2)?.broadcast_as((batch, runs, queries / runs, keys))?;
        scores = scores.broadcast_add(&rows.reshape((batch, 1, queries, keys))?)?;
    }
    plain_softmax(&scores)?.matmul(&v)?.transpose(1, 2)?.reshape((batch, queries, heads * width))
}

fn plain_softmax(x: &Tensor) -> Result<Tensor> {
    let e = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?.exp()?;
    e.broadcast_div(&e.sum_keepdim(D::Minus1)?)
}

#[test]
fn attention_is_attention_with_and_without_a_mask() {
    let arguments = [noise(1, &[2, 6, 3, 8]), noise(2, &[2, 7, 3, 8]), noise(3, &[2, 7, 3, 8])];
    check(&|a| attention(&a[0], &a[1], &a[2], None), &|a| plain_attention(a, None), &arguments);
    // A row for all queries; a row for each run of three.
    for (runs, hidden) in [(1, 5..9), (2, 3..13)] {
        let mut mask = vec![0.0_f32; 14 * runs];
        mask[hidden].fill(f32::NEG_INFINITY);
        let mask = Tensor::from_vec(mask, (2, runs, 7), &Device::Cpu).unwrap();
        let (fused, plain) = (mask.clone(), mask.clone());
        check(
            &move |a| attention(&a[0], &a[1], &a[2], Some(&fused)),
            &move |a| plain_attention(a, Some(&plain)),
            &arguments,
        );
    }
    // More queries than one tile holds.
    let long = [noise(4, &[1, 300, 2, 16]), noise(5, &[1, 40, 2, 16]), noise(6, &[1, 40, 2, 16])];
    let found = attention(&long[0], &long[1], &long[2], None).unwrap();
    assert!(difference(&found, &plain_attention(&long, None).unwrap()) < 2e-6);
    // More queries than a vector holds, and more keys than are seen at a time; nothing of the first ones is seen.
    let many = [noise(7, &[1, 21, 2, 8]), noise(8, &[1, 540, 2, 8]), noise(9, &[1, 540, 2, 8])];
    let many = [(&many[0] * 4.0).unwrap(), many[1].clone(), many[2].clone()];
    check(&|a| attention(&a[0], &a[1], &a[2], None), &|a| plain_attention(a, None), &many);
    for runs in [1, 3, 21] {
        let mut mask = vec![0.0_f32; runs * 540];
        mask.chunks_exact_mut(540).enumerate().for_each(|(run, row)| row[..517 - run].fill(f32::NEG_INFINITY));
        let mask = Tensor::from_vec(mask, (1, runs, 540), &Device::Cpu).unwrap();
        let found = attention(&many[0], &many[1], &many[2], Some(&mask)).unwrap();
        assert!(difference(&found, &plain_attention(&many, Some(&mask)).unwrap()) < 2e-6);
    }
}

#[test]
fn keys_behind_a_mask_weigh_nothing_however_large_their_values_are() {
    for queries in [3, 21] {
        let [q, k, v] = [(1, queries), (2, 540), (3, 540)].map(|(seed, tokens)| noise(seed, &[1, tokens, 2, 8]));
        let half = |t: &Tensor| t.narrow(1, 0, 270).unwrap();
        let expected = attention(&q, &half(&k), &half(&v), None).unwrap();
        let large = Tensor::full(f32::MAX, (1, 270, 2, 8), &Device::Cpu).unwrap();
        let hidden: Vec<f32> = (0..540).map(|key| if key < 270 { 0.0 } else { f32::NEG_INFINITY }).collect();
        let mask = Tensor::from_vec(hidden, (1, 1, 540), &Device::Cpu).unwrap();
        let found = attention(&q, &k, &Tensor::cat(&[&half(&v), &large], 1).unwrap(), Some(&mask)).unwrap();
        assert!(difference(&found, &expected) < 2e-6, "{queries} queries");
    }
}

#[test]
fn a_query_that_sees_no_key_gets_zeros_and_gives_no_gradient() {
    for queries in [3, 21] {
        let arguments = [(1, queries), (2, 540), (3, 540)].map(|(seed, tokens)| noise(seed, &[2, tokens, 2, 8]));
        // Of the first batch all keys are seen, of the second none.
        let hidden: Vec<f32> = (0..1080).map(|key| if key < 540 { 0.0 } else { f32::NEG_INFINITY }).collect();
        let mask = Tensor::from_vec(hidden, (2, 1, 540), &Device::Cpu).unwrap();
        let masked = move |a: &[Tensor]| attention(&a[0], &a[1], &a[2], Some(&mask));
        let found = masked(&arguments).unwrap();
        let open = plain_attention(&arguments, None).unwrap();
        assert!(difference(&found.get(0).unwrap(), &open.get(0).unwrap()) < 2e-6);
        assert_eq!(values(&found.get(1).unwrap()), vec![0.0; queries * 16]);
        for gradient in gradients(&masked, &arguments, &noise(99, found.dims())) {
            assert!(values(&gradient.get(0).unwrap()).iter().any(|g| *g != 0.0));
            assert!(values(&gradient.get(1).unwrap()).iter().all(|g| *g == 0.0));
        }
    }
}

#[test]
fn attention_reads_parts_of_one_tensor_where_they_lie() {
    let joined = noise(1, &[2, 6, 48]);
    let part = |n: usize| joined.narrow(2, n * 16, 16).unwrap().reshape((2, 6, 2, 8)).unwrap();
    let strided = |n: usize| joined.reshape((2, 6, 6, 8)).unwrap().narrow(2, 2 * n, 2).unwrap();
    assert!(!strided(1).is_contiguous());
    let found = attention(&strided(0), &strided(1), &strided(2), None).unwrap();
    let expected = attention(&part(0), &part(1), &part(2), None).unwrap();
    assert_eq!(values(&found), values(&expected));
}

#[test]
fn group_normalisation_is_what_it_says_with_silu_and_without() {
    let plain = |a: &[Tensor]| {
        let (batch, channels, height, width) = a[0].dims4()?;
        let x = a[0].reshape((batch, 2, ()))?;
        let x = x.broadcast_sub(&x.mean_keepdim(2)?)?;
        let x = x.broadcast_div(&(x.sqr()?.mean_keepdim(2)? + 1e-5)?.sqrt()?)?;
        let [scale, shift] = [&a[1], &a[2]].map(|t| t.reshape((batch, channels, 1, 1)).unwrap());
        x.reshape((batch, channels, height, width))?.broadcast_mul(&scale)?.broadcast_add(&shift)
    };
    let arguments = [noise(1, &[2, 6, 5, 7]), noise(2, &[2, 6]), noise(3, &[2, 6])];
    check(&|a| group_norm(&a[0], &a[1], &a[2], 2, 1e-5), &plain, &arguments);
    check(&|a| group_norm_silu(&a[0], &a[1], &a[2], 2, 1e-5), &move |a| plain(a)?.silu(), &arguments);
}

fn plain_norm(a: &[Tensor], kind: Norm) -> Result<Tensor> {
    let x = match kind {
        Norm::Layer => a[0].broadcast_sub(&a[0].mean_keepdim(D::Minus1)?)?,
        Norm::RootMeanSquare => a[0].clone(),
    };
    let x = x.broadcast_div(&(x.sqr()?.mean_keepdim(D::Minus1)? + 1e-6)?.sqrt()?)?;
    match a {
        [_, scale, shift] => x.broadcast_mul(&scale.unsqueeze(1)?)?.broadcast_add(&shift.unsqueeze(1)?),
        _ => Ok(x),
    }
}

#[test]
fn normalisations_are_what_they_say_with_and_without_a_condition() {
    for kind in [Norm::Layer, Norm::RootMeanSquare] {
        for groups in [1, 3] {
            let arguments = [noise(1, &[3, 70, 21]), noise(2, &[groups, 21]), noise(3, &[groups, 21])];
            check(&move |a| modulated_norm(&a[0], &a[1], &a[2], kind, 1e-6), &move |a| plain_norm(a, kind), &arguments);
        }
        check(&move |a| norm(&a[0], kind, 1e-6), &move |a| plain_norm(a, kind), &[noise(4, &[2, 3, 20])]);
    }
}

#[test]
fn activations_are_what_they_say() {
    let x = [noise(1, &[3, 50])];
    check(&|a| silu(&a[0]), &|a| a[0].silu(), &x);
    check(&|a| gelu(&a[0]), &|a| a[0].gelu(), &x);
    check(&|a| softmax(&a[0]), &|a| plain_softmax(&a[0]), &x);
}

#[test]
fn a_linear_layer_is_a_product_and_a_sum() {
    let plain = |a: &[Tensor]| {
        let (rows, width) = (a[0].elem_count() / a[1].dims()[1], a[1].dims()[1]);
        a[0].reshape((rows, width))?.matmul(&a[1].t()?)?.broadcast_add(&a[2])?.reshape((2, (), a[2].dims1()?))
    };
    let mut arguments = [noise(1, &[2, 70, 9]), noise(2, &[300, 9]), noise(3, &[300])];
    check(&|a| linear(&a[0], &a[1], &a[2]), &plain, &arguments);
    arguments[1] = arguments[1].t().unwrap().contiguous().unwrap();
    check(&|a| linear(&a[0], &a[1].t()?, &a[2]), &move |a| plain(&[a[0].clone(), a[1].t()?, a[2].clone()]), &arguments);
}

#[test]
fn pixels_go_into_channels_and_come_back() {
    let unshuffled = |a: &[Tensor], f: usize| {
        let (batch, channels, height, width) = a[0].dims4()?;
        let x = a[0].reshape(&[batch, channels, height / f, f, width / f, f][..])?.permute(vec![0, 1, 3, 5, 2, 4])?;
        x.reshape((batch, channels * f * f, height / f, width / f))
    };
    let x = [noise(1, &[2, 3, 6, 12])];
    for f in [1, 2, 3] {
        check(&move |a| pixel_unshuffle(&a[0], f), &move |a| unshuffled(a, f), &x);
        let there = pixel_unshuffle(&x[0], f).unwrap();
        assert_eq!(values(&pixel_shuffle(&there, f).unwrap()), values(&x[0]));
    }
    assert!(pixel_unshuffle(&x[0], 5).is_err() && pixel_shuffle(&x[0], 2).is_err());
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let arguments = [noise(1, &[3, 48, 32, 32]), noise(2, &[48, 48, 3, 3]), noise(3, &[48])];
    // One tile, whose outputs are shared out: evenly, with one left over, and of a single pixel.
    let small = [(150, 7, 3), (65, 7, 3), (129, 7, 3), (300, 1, 1)].map(|(out, size, kernel)| {
        [noise(4, &[1, 90, size, size]), noise(5, &[out, 90, kernel, kernel]), noise(6, &[out])]
    });
    let bias = noise(7, &[3, 2, 768]);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let y = conv2d(&arguments[0], &arguments[1], &arguments[2]).unwrap();
            let scale = Tensor::ones((3, 48), y.dtype(), y.device()).unwrap();
            let y = group_norm_silu(&y, &scale, &scale, 8, 1e-5).unwrap();
            let tokens = y.reshape((3, 768, 2, 32)).unwrap();
            let attended = [None, Some(&bias)].map(|bias| attention(&tokens, &tokens, &tokens, bias).unwrap());
            let small = small.each_ref().map(|[x, weight, bias]| conv2d(x, weight, bias).unwrap());
            (attended.each_ref().map(values), small.each_ref().map(values))
        })
    };
    let one = with(1);
    assert!([2, 3].into_iter().all(|threads| with(threads) == one));
}

#[test]
fn a_convolution_of_no_images_is_none_and_one_of_nothing_is_refused() {
    let run = |x: &[usize], weight: &[usize]| {
        let zeros = |dims: &[usize]| Tensor::zeros(dims, candle_core::DType::F32, &Device::Cpu).unwrap();
        conv2d(&zeros(x), &zeros(weight), &zeros(&weight[..1]))
    };
    assert_eq!(run(&[0, 3, 4, 5], &[2, 3, 3, 3]).unwrap().dims(), [0, 2, 4, 5]);
    let nothing = [([1, 3, 0, 4], [2, 3, 3, 3]), ([1, 3, 4, 0], [2, 3, 3, 3]), ([1, 0, 4, 4], [2, 0, 3, 3])];
    for (x, weight) in nothing.into_iter().chain([([1, 3, 4, 4], [0, 3, 3, 3])]) {
        let error = run(&x, &weight).unwrap_err().to_string();
        assert!(error.contains(&format!("x {x:?}, weight {weight:?}")), "{error}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let x = noise(1, &[1, 3, 4, 4]);
    assert!(conv2d(&x, &noise(2, &[2, 3, 2, 2]), &noise(3, &[2])).is_err());
    assert!(conv2d(&x, &noise(2, &[2, 4, 3, 3]), &noise(3, &[2])).is_err());
    assert!(group_norm_silu(&x, &noise(2, &[1, 3]), &noise(3, &[1, 3]), 2, 1e-5).is_err());
    let kernel = Kernel { size: 3, dilation: 1, pad: (0, 0), slope: 1.0 };
    let (frames, bias) = (noise(1, &[2, 4]), noise(3, &[5]));
    assert!(conv1d(&frames, &noise(2, &[5, 12]), &bias, kernel, None).is_err(), "fewer frames than the kernel");
    assert!(conv1d(&frames, &noise(2, &[5, 8]), &bias, Kernel { pad: (1, 1), ..kernel }, None).is_err());
    assert!(linear(&x, &noise(2, &[2, 5]), &noise(3, &[2])).is_err());
    assert!(attention(&x, &x, &noise(2, &[1, 3, 4, 5]), None).is_err());
    for (queries, runs) in [(3, 0), (0, 0), (3, 2)] {
        let (q, bias) = (noise(1, &[1, queries, 4, 4]), noise(2, &[1, runs, 3]));
        assert!(attention(&q, &x, &x, Some(&bias)).is_err(), "{queries} queries in {runs} runs");
    }
    assert!(modulated_norm(&x, &noise(2, &[2, 4]), &noise(3, &[2, 4]), Norm::Layer, 1e-6).is_err());
    let [frames, weight, bias] =
        [&frames, &noise(2, &[5, 12]), &bias].map(|t| t.to_dtype(candle_core::DType::F64).unwrap());
    assert!(conv1d(&frames, &weight, &bias, Kernel { pad: (1, 1), ..kernel }, None).is_err(), "double precision");
}

#[test]
fn what_is_not_trained_gets_no_gradient_and_costs_none() {
    let frozen = [noise(1, &[2, 3, 4]), noise(2, &[5, 4]), noise(3, &[5])];
    for trained in 0..3 {
        let mut arguments = frozen.clone();
        let variable = Var::from_tensor(&frozen[trained]).unwrap();
        arguments[trained] = variable.as_tensor().clone();
        let y = linear(&arguments[0], &arguments[1], &arguments[2]).unwrap();
        let store = y.sum_all().unwrap().backward().unwrap();
        let found: Vec<bool> = arguments.iter().map(|argument| store.get(argument).is_some()).collect();
        assert_eq!(found, [trained == 0, trained == 1, trained == 2]);
    }
}
