//! One step: a batch of noisy pictures, the error of the guess, and its gradient.
//!
//! Each thread takes its share of the batch, forward and backward, on its own; the gradients are added in order, so that
//! a run on as many threads is the same run.

use candle_core::{Device, Result, Tensor, Var};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::super::{
    network::{Network, SIDE},
    weights::LoadError,
};
use crate::noise;

/// Noise levels: the logit is normal around this, toward noise, where the structure is decided.
const MEAN: f64 = 1.4;
const DEVIATION: f64 = 1.3;
/// The share of levels that are even from `HIGH` to 1 instead: there the words move the picture as a whole.
const HIGH_SHARE: f64 = 1.0 / 6.0;
const HIGH: f64 = 0.92;
/// Below this level the error counts no more.
const LEAST_LEVEL: f32 = 0.2;
const VALUES: usize = 3 * SIDE * SIDE;

/// Threads that compute side by side, each in its own pool.
pub(super) struct Workers(Vec<rayon::ThreadPool>);

impl Workers {
    pub fn new(threads: Option<usize>) -> std::result::Result<Self, LoadError> {
        let found = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = threads.filter(|&threads| threads > 0).unwrap_or_else(found);
        let pool = |_| rayon::ThreadPoolBuilder::new().num_threads(1).start_handler(|_| step_back()).build();
        Ok(Self((0..count).map(pool).collect::<std::result::Result<_, _>>()?))
    }

    /// `work` for each item, in shares; the results in the order of the items.
    pub fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn((usize, &T)) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let numbered: Vec<(usize, &T)> = items.iter().enumerate().collect();
        let shares = self.shares(&numbered, |share| share.iter().map(|&item| work(item)).collect::<Result<Vec<R>>>())?;
        Ok(shares.into_iter().flatten().collect())
    }

    /// `work` for each thread's part of the items.
    fn shares<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&[T]) -> Result<R> + Sync) -> Result<Vec<R>> {
        let (size, work) = (items.len().div_ceil(self.0.len()).max(1), &work);
        std::thread::scope(|scope| {
            let running: Vec<_> = items
                .chunks(size)
                .zip(&self.0)
                .map(|(share, pool)| scope.spawn(move || pool.install(|| work(share))))
                .collect();
            let joined = running.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            joined.collect()
        })
    }
}

/// Pictures that people wait for come first.
fn step_back() {
    let _ = rustix::process::nice(10);
}

/// One picture of a batch.
pub(super) struct Item<'a> {
    pub picture: &'a Tensor,
    pub ids: &'a [u32],
    /// The network guessed this picture without its adapters, and should go on guessing so.
    pub kept: bool,
}

/// What one picture was noised with.
struct Noised {
    level: f32,
    seed: u64,
}

/// The mean error, and its gradient for each variable. `seed` decides the noise.
pub(super) fn gradients(
    workers: &Workers,
    (trained, plain): (&Network, &Network),
    variables: &[&Var],
    batch: &[Item<'_>],
    seed: u64,
) -> Result<(f64, Vec<Vec<f32>>)> {
    let mut rng = StdRng::seed_from_u64(seed);
    let noised: Vec<(&Item<'_>, Noised)> = batch.iter().map(|item| (item, noising(&mut rng))).collect();
    let shares = workers.shares(&noised, |share| {
        let loss = (error(trained, plain, share)? * (1.0 / batch.len() as f64))?;
        let store = loss.backward()?;
        let gradient = |variable: &&Var| match store.get(variable.as_tensor()) {
            Some(gradient) => gradient.flatten_all()?.to_vec1(),
            // A word that this share does not use.
            None => Ok(vec![0.0; variable.elem_count()]),
        };
        let gradients = variables.iter().map(gradient).collect::<Result<Vec<Vec<f32>>>>()?;
        Ok((f64::from(loss.to_scalar::<f32>()?), gradients))
    })?;
    let sum = |mut sum: (f64, Vec<Vec<f32>>), share: (f64, Vec<Vec<f32>>)| {
        sum.0 += share.0;
        let pairs = sum.1.iter_mut().flatten().zip(share.1.iter().flatten());
        pairs.for_each(|(sum, value)| *sum += value);
        sum
    };
    shares.into_iter().reduce(sum).ok_or_else(|| candle_core::Error::msg("a batch of nothing"))
}

fn noising(rng: &mut StdRng) -> Noised {
    let level = if rng.random::<f64>() < HIGH_SHARE {
        HIGH + (1.0 - HIGH) * rng.random::<f64>()
    } else {
        let (radius, angle) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        1.0 / (1.0 + (-(normal * DEVIATION + MEAN)).exp())
    };
    Noised { level: level as f32, seed: rng.random() }
}

/// The summed error of a share, each picture's weighed by its noise level.
fn error(trained: &Network, plain: &Network, share: &[(&Item<'_>, Noised)]) -> Result<Tensor> {
    let levels: Vec<f32> = share.iter().map(|(_, noised)| noised.level).collect();
    let mut noisy = Vec::with_capacity(share.len() * VALUES);
    for (item, Noised { level, seed }) in share {
        let picture: Vec<f32> = item.picture.flatten_all()?.to_vec1()?;
        let noise = noise::normal(*seed, VALUES);
        noisy.extend(picture.iter().zip(noise).map(|(x, e)| (1.0 - level) * x + level * e));
    }
    let noisy = Tensor::from_vec(noisy, (share.len(), 3, SIDE, SIDE), &Device::Cpu)?;
    let wanted: Vec<Tensor> = share
        .iter()
        .enumerate()
        .map(|(n, (item, _))| match item.kept {
            true => guess(plain, &noisy.narrow(0, n, 1)?, &levels[n..=n], &[item.ids]),
            false => Ok(item.picture.clone()),
        })
        .collect::<Result<_>>()?;
    let ids: Vec<&[u32]> = share.iter().map(|(item, _)| item.ids).collect();
    let off = (guess(trained, &noisy, &levels, &ids)? - Tensor::cat(&wanted, 0)?)?;
    let weights: Vec<f32> =
        levels.iter().map(|level| 1.0 / (level.max(LEAST_LEVEL).powi(2) * VALUES as f32)).collect();
    let weights = Tensor::from_vec(weights, (share.len(), 1, 1, 1), &Device::Cpu)?;
    off.sqr()?.broadcast_mul(&weights)?.sum_all()
}

fn guess(network: &Network, noisy: &Tensor, levels: &[f32], ids: &[&[u32]]) -> Result<Tensor> {
    let words: Vec<_> = ids.iter().map(|ids| network.read(ids)).collect::<Result<_>>()?;
    let prompt = network.prompt(&words.iter().collect::<Vec<_>>())?;
    network.denoise_each(noisy, levels, &prompt)
}
