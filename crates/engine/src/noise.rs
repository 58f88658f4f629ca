//! Normal noise as PyTorch's CPU generator draws it, so that a seed means the same picture in both.

use std::f64::consts::TAU;

const STATE: usize = 624;
const MIDDLE: usize = 397;

/// The Mersenne twister MT19937.
struct Twister {
    state: [u32; STATE],
    next: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; STATE];
        for at in 1..STATE {
            let before = state[at - 1];
            state[at] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(at as u32);
        }
        Self { state, next: STATE }
    }

    fn twist(&mut self) {
        for at in 0..STATE {
            let joined = (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % STATE] & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[at] = self.state[(at + MIDDLE) % STATE] ^ (joined >> 1) ^ odd;
        }
        self.next = 0;
    }

    fn draw(&mut self) -> u32 {
        if self.next == STATE {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in [0, 1), 24 bits.
    fn uniform(&mut self) -> f32 {
        (self.draw() & 0x00ff_ffff) as f32 / 16_777_216.0
    }
}

/// Values that Box and Muller's method makes at a time: eight radii, eight angles.
const BATCH: usize = 16;

/// `count` values, at least 16, as `torch.randn` draws them after `manual_seed(seed)`. Only the seed's low 32
/// bits count, there as here.
pub fn normal(seed: u64, count: usize) -> Vec<f32> {
    assert!(count >= BATCH, "shorter tensors are drawn in another way");
    let mut twister = Twister::new(seed as u32);
    let mut values: Vec<f32> = (0..count).map(|_| twister.uniform()).collect();
    values.chunks_exact_mut(BATCH).for_each(transform);
    if !count.is_multiple_of(BATCH) {
        // The last values overlap those before, and are drawn anew.
        let tail = &mut values[count - BATCH..];
        tail.fill_with(|| twister.uniform());
        transform(tail);
    }
    values
}

fn transform(values: &mut [f32]) {
    let (radii, angles) = values.split_at_mut(BATCH / 2);
    for (first, second) in radii.iter_mut().zip(angles) {
        let radius = (-2.0 * f64::from(1.0 - *first).ln()).sqrt();
        let angle = TAU * f64::from(*second);
        *first = (radius * angle.cos()) as f32;
        *second = (radius * angle.sin()) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: &[f32], expected: &[f32]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} is not {expected:?}");
    }

    #[test]
    fn a_seed_draws_what_it_draws_in_pytorch() {
        let zero = normal(0, 3 * 64 * 64);
        near(&zero[..4], &[-1.125_839_8, -1.152_360_2, -0.250_578_6, -0.433_878_8]);
        near(&zero[12_285..], &[1.224_588_8, -0.960_329_8, -0.673_427_64]);
        let sum: f64 = zero.iter().map(|&x| f64::from(x)).sum();
        assert!((sum + 154.946_775_8).abs() < 1e-3);
        near(&normal(42, 12_288)[..4], &[1.926_915_3, 1.487_284_1, 0.900_717_2, -2.105_521]);
    }

    #[test]
    fn a_length_that_is_no_multiple_of_sixteen_ends_as_in_pytorch() {
        let values = normal(7, 37);
        near(&values[..3], &[-0.820_134_5, 0.395_631_16, 0.898_908_5]);
        near(&values[20..23], &[0.198_445_05, -0.661_867_56, -0.828_452_05]);
        near(&values[34..], &[0.395_740_93, -1.367_739_7, -0.100_734_316]);
    }

    #[test]
    fn seeds_with_the_same_low_32_bits_are_the_same() {
        assert_eq!(normal((1 << 32) + 42, 16), normal(42, 16));
    }
}
