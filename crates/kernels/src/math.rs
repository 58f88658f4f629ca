//! Elementary functions that the compiler can turn into vector code, and sums in a fixed order.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into the dispatched loop is compiled for the oldest CPU"
)]

/// Runs a closure compiled for the best vector instructions that this CPU has. Only what is inlined there is compiled
/// for them, all else for the oldest CPU; so this is a macro, for the closure itself has to ask for it.
macro_rules! vectorized {
    (|| $work:expr) => {
        pulp::Arch::new().dispatch($crate::math::Inlined(
            #[inline(always)]
            || $work,
        ))
    };
}
pub(crate) use vectorized;

/// As `FnMut`, since a call as `FnOnce` would go through a function that is not inlined.
pub(crate) struct Inlined<F>(pub F);

impl<R, F: FnMut() -> R> pulp::WithSimd for Inlined<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}

/// e to the x, within 2 units in the last place; saturates instead of overflowing.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to a whole number, which then sits in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.3, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = x - whole * LN2_HIGH - whole * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    (p * r * r + r + 1.0) * power
}

/// e to the x, for scores relative to the largest: nothing where that would be no normal number, as behind a mask.
#[inline(always)]
pub(crate) fn weight(x: f32) -> f32 {
    const LEAST: f32 = -87.0;
    let e = exp(x);
    if x < LEAST { 0.0 } else { e }
}

/// What weights are divided by. Where nothing is seen they are all nothing, and stay so.
#[inline(always)]
pub(crate) fn total(sum: f32) -> f32 {
    if sum == 0.0 { 1.0 } else { sum }
}

#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
pub(crate) fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

/// The derivative of `silu`.
#[inline(always)]
pub(crate) fn silu_slope(x: f32) -> f32 {
    let s = sigmoid(x);
    s * (1.0 + x * (1.0 - s))
}

/// Twice the argument of the hyperbolic tangent in the usual approximation of GELU.
const GELU_1: f32 = 1.595_769;
const GELU_3: f32 = 0.071_354_814;

#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    x * sigmoid(x * (GELU_1 + GELU_3 * x * x))
}

/// The derivative of `gelu`.
#[inline(always)]
pub(crate) fn gelu_slope(x: f32) -> f32 {
    let u = x * (GELU_1 + GELU_3 * x * x);
    // Not `1 - sigmoid(u)`, of which nothing exact is left where `u` is large.
    sigmoid(u) * (1.0 + x * sigmoid(-u) * (GELU_1 + 3.0 * GELU_3 * x * x))
}

/// The share of a normal distribution that lies below `x`, within 2e-7 (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
fn below(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152_1;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    let tail = 0.5 * p * t * exp(-z * z);
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[inline(always)]
pub(crate) fn gelu_exact(x: f32) -> f32 {
    x * below(x)
}

/// The derivative of `gelu_exact`.
#[inline(always)]
pub(crate) fn gelu_exact_slope(x: f32) -> f32 {
    const ROOT: f32 = 0.398_942_3;
    below(x) + x * ROOT * exp(-0.5 * x * x)
}

/// The error function, within 2e-7 (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152_1;
    let p = p * t + 1.421_413_8;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    (1.0 - p * t * exp(-size * size)).copysign(x)
}

/// GELU with the error function.
#[inline(always)]
pub(crate) fn gelu_erf(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

const LANES: usize = 16;

/// The sum of `term` over the pairs of two slices of one length.
#[inline(always)]
pub(crate) fn sum2(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(&a, &b)| term(a, b)).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    lanes.iter().sum::<f32>() + tail
}

/// The sum of `term` over a slice.
#[inline(always)]
pub(crate) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    sum2(values, values, |a, _| term(a))
}

#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail = chunks.remainder().iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().fold(tail, |a, &b| a.max(b))
}

/// Turns a row into its softmax; one of nothing but minus infinity into zeros.
#[inline(always)]
pub(crate) fn softmax_row(row: &mut [f32]) {
    // Minus infinity cannot be taken from itself.
    let top = largest(row).max(f32::MIN);
    for value in &mut *row {
        *value = weight(*value - top);
    }
    let scale = 1.0 / total(sum(row, |value| value));
    for value in row {
        *value *= scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(found: impl Fn(f32) -> f32, expected: impl Fn(f64) -> f64, scale: impl Fn(f64) -> f64) -> f64 {
        let points = (-8000..8000_i32).map(|i| i as f32 * 0.01);
        points.map(|x| (f64::from(found(x)) - expected(x.into())).abs() / scale(expected(x.into()))).fold(0.0, f64::max)
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        assert!(worst(exp, f64::exp, |y| y) < 2.4e-7);
        assert_eq!((exp(0.0), exp(-1e9) < 1e-37, exp(1e9).is_finite()), (1.0, true, true));
    }

    #[test]
    fn what_is_masked_weighs_nothing() {
        assert_eq!((weight(0.0), weight(f32::NEG_INFINITY), weight(-88.0)), (1.0, 0.0, 0.0));
        assert!(weight(-86.9).is_normal() && weight(f32::NAN).is_nan());
        let mut rows = [[f32::NEG_INFINITY; 20]; 2];
        rows[0][18] = -3.0;
        for row in &mut rows {
            softmax_row(row);
        }
        assert_eq!((rows[0][17], rows[0][18], rows[1]), (0.0, 1.0, [0.0; 20]));
    }

    #[test]
    fn activations_agree_with_their_definitions() {
        let silu64 = |x: f64| x / (1.0 + (-x).exp());
        assert!(worst(silu, silu64, |y| y.abs().max(1.0)) < 5e-7);
        let gelu64 =
            |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh());
        assert!(worst(gelu, gelu64, |y| y.abs().max(1.0)) < 5e-7);
        // Where it is tabulated: x, and the normal distribution's share below x.
        for (x, share) in
            [(0.0, 0.5), (0.5, 0.691_462_461), (1.0, 0.841_344_746), (-2.0, 0.022_750_132), (3.5, 0.999_767_371)]
        {
            assert!((f64::from(gelu_exact(x as f32)) - x * share).abs() < 8e-7, "{x}");
            let slope = share + x * (-0.5 * x * x).exp() * 0.398_942_280_401;
            assert!((f64::from(gelu_exact_slope(x as f32)) - slope).abs() < 5e-7, "{x}");
        }
        let slope = |f: fn(f64) -> f64| move |x: f64| (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
        assert!(worst(silu_slope, slope(silu64), |_| 1.0) < 1e-6);
        assert!(worst(gelu_slope, slope(gelu64), |_| 1.0) < 1e-6);
    }

    #[test]
    fn sums_and_maxima_take_in_the_tail() {
        let values: Vec<f32> = (0..37_i16).map(f32::from).collect();
        assert_eq!((sum(&values, |x| x), largest(&values)), (666.0, 36.0));
    }
}
