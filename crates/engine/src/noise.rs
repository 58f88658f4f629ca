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

    /// Uniform in [0, 1).
    fn uniform(&mut self, precision: Precision) -> f32 {
        let steps = 1 << precision.digits();
        (self.draw() & (steps - 1)) as f32 / steps as f32
    }

    /// Uniform in [0, 1), 53 bits.
    fn uniform_double(&mut self) -> f64 {
        const STEPS: u64 = 1 << 53;
        let (high, low) = (u64::from(self.draw()), u64::from(self.draw()));
        (((high << 32) | low) & (STEPS - 1)) as f64 / STEPS as f64
    }
}

/// Values that Box and Muller's method makes at a time: eight radii, eight angles.
const BATCH: usize = 16;

/// In which precision PyTorch would hold what is drawn. It draws half precisions in ways of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Single,
    /// `float16`.
    Half,
    /// `bfloat16`.
    Brain,
}

impl Precision {
    /// Bits of a uniform draw.
    const fn digits(self) -> u32 {
        match self {
            Self::Single => 24,
            Self::Half => 11,
            Self::Brain => 8,
        }
    }

    fn round(self, value: f32) -> f32 {
        match self {
            Self::Single => value,
            Self::Half => half::f16::from_f32(value).to_f32(),
            Self::Brain => half::bf16::from_f32(value).to_f32(),
        }
    }
}

/// A generator after `manual_seed(seed)`, whose draws follow each other. Only the seed's low 32 bits count, there
/// as here.
pub struct Normal {
    twister: Twister,
    /// Short draws make values in pairs; the second of the last pair, if nobody has had it.
    spare: Option<f64>,
}

impl Normal {
    pub fn new(seed: u64) -> Self {
        Self { twister: Twister::new(seed as u32), spare: None }
    }

    /// What `torch.randn(count, dtype=precision)` draws next.
    pub fn draw(&mut self, count: usize, precision: Precision) -> Vec<f32> {
        if count < BATCH {
            return (0..count).map(|_| precision.round(self.one() as f32)).collect();
        }
        let mut values: Vec<f32> = (0..count).map(|_| self.twister.uniform(precision)).collect();
        values.chunks_exact_mut(BATCH).for_each(|batch| transform(batch, precision));
        if !count.is_multiple_of(BATCH) {
            // The last values overlap those before, and are drawn anew.
            let tail = &mut values[count - BATCH..];
            tail.fill_with(|| self.twister.uniform(precision));
            transform(tail, precision);
        }
        values
    }

    fn one(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let (first, second) = (self.twister.uniform_double(), self.twister.uniform_double());
        let (radius, angle) = ((-2.0 * (-second).ln_1p()).sqrt(), TAU * first);
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

/// `count` values as `torch.randn` draws them first after `manual_seed(seed)`.
pub fn normal(seed: u64, count: usize) -> Vec<f32> {
    Normal::new(seed).draw(count, Precision::Single)
}

fn transform(values: &mut [f32], precision: Precision) {
    let (radii, angles) = values.split_at_mut(BATCH / 2);
    let pairs = radii.iter_mut().zip(angles);
    if precision == Precision::Single {
        for (first, second) in pairs {
            let radius = (-2.0 * f64::from(1.0 - *first).ln()).sqrt();
            let angle = TAU * f64::from(*second);
            *first = (radius * angle.cos()) as f32;
            *second = (radius * angle.sin()) as f32;
        }
        return;
    }
    // In half precisions every intermediate value is rounded.
    let round = |value| precision.round(value);
    for (first, second) in pairs {
        let radius = round(round(-2.0 * round(round(1.0 - *first).ln())).sqrt());
        let angle = round((TAU * f64::from(*second)) as f32);
        *first = round(radius * round(angle.cos()));
        *second = round(radius * round(angle.sin()));
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

    #[test]
    fn short_tensors_are_drawn_in_pairs() {
        let mut normal = Normal::new(7);
        near(&normal.draw(5, Precision::Single), &[-0.146_795_1, 0.786_141_3, 0.946_821_63, -1.114_344, 1.690_790_2]);
        near(
            &normal.draw(5, Precision::Single),
            &[-0.894_827_9, -0.355_625_03, 1.232_385_8, 0.138_172_66, -1.682_198_5],
        );
    }

    #[test]
    fn draws_follow_each_other() {
        let mut normal = Normal::new(7);
        normal.draw(37, Precision::Single);
        near(&normal.draw(37, Precision::Single)[..3], &[-1.060_555, -0.308_996_3, 0.934_288_2]);
    }

    #[test]
    fn half_precisions_are_the_same_to_the_bit() {
        let mut brain = Normal::new(7);
        let first = brain.draw(37, Precision::Brain);
        assert_eq!(first[..5], [-0.972_656_25, -0.306_640_63, -0.425_781_25, 2.156_25, -0.150_390_63]);
        assert_eq!(first[34..], [-0.359_375, 0.451_171_88, -0.464_843_75]);
        let second = brain.draw(37, Precision::Brain);
        assert_eq!(second[12..14], [-0.008_483_887, 1.640_625]);
        let half = Normal::new(7).draw(37, Precision::Half);
        assert_eq!(half[..4], [-0.203_125, -1.134_765_6, -0.266_601_56, -0.053_039_55]);
        assert_eq!(half[34..], [-1.076_171_9, -0.273_437_5, -0.572_265_6]);
        assert_eq!(Normal::new(7).draw(2, Precision::Brain), [-0.146_484_38, 0.785_156_25]);
    }
}
