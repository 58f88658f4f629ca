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
        let shares =
            self.shares(&numbered, |share| share.iter().map(|&item| work(item)).collect::<Result<Vec<R>>>())?;
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
            let joined = running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
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
        let mut total = Total::new(variables);
        for (item, noised) in share {
            total.add(&error(trained, plain, item, noised)?, variables)?;
        }
        Ok(total)
    })?;
    let total = shares.into_iter().reduce(Total::join).unwrap_or_else(|| Total::new(variables));
    Ok(total.mean(batch.len()))
}

/// Errors and gradients, summed.
struct Total {
    error: f64,
    gradients: Vec<Vec<f32>>,
}

impl Total {
    fn new(variables: &[&Var]) -> Self {
        Self { error: 0.0, gradients: variables.iter().map(|variable| vec![0.0; variable.elem_count()]).collect() }
    }

    /// One picture at a time: its tensors are small enough for candle to compute with them on this thread alone.
    fn add(&mut self, error: &Tensor, variables: &[&Var]) -> Result<()> {
        let store = error.backward()?;
        self.error += f64::from(error.to_scalar::<f32>()?);
        for (sum, variable) in self.gradients.iter_mut().zip(variables) {
            // A word that this picture's caption does not have gets none.
            if let Some(gradient) = store.get(variable.as_tensor()) {
                let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
                sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
            }
        }
        Ok(())
    }

    fn join(mut self, other: Self) -> Self {
        self.error += other.error;
        let pairs = self.gradients.iter_mut().flatten().zip(other.gradients.into_iter().flatten());
        pairs.for_each(|(sum, value)| *sum += value);
        self
    }

    fn mean(mut self, count: usize) -> (f64, Vec<Vec<f32>>) {
        self.gradients.iter_mut().flatten().for_each(|value| *value /= count as f32);
        (self.error / count as f64, self.gradients)
    }
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

/// The error of the guess, weighed by the noise level.
fn error(trained: &Network, plain: &Network, item: &Item<'_>, &Noised { level, seed }: &Noised) -> Result<Tensor> {
    let picture: Vec<f32> = item.picture.flatten_all()?.to_vec1()?;
    let noise = noise::normal(seed, VALUES);
    let mixed = picture.iter().zip(noise).map(|(x, e)| (1.0 - level) * x + level * e).collect();
    let mixed = Tensor::from_vec(mixed, (1, 3, SIDE, SIDE), &Device::Cpu)?;
    let wanted = if item.kept { guess(plain, &mixed, level, item.ids)? } else { item.picture.clone() };
    let weight = 1.0 / (f64::from(level.max(LEAST_LEVEL)).powi(2) * VALUES as f64);
    (guess(trained, &mixed, level, item.ids)? - wanted)?.sqr()?.sum_all()? * weight
}

fn guess(network: &Network, mixed: &Tensor, level: f32, ids: &[u32]) -> Result<Tensor> {
    let words = network.read(ids)?;
    network.denoise(mixed, level, &network.prompt(&[&words])?)
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{VOCABULARY, WEIGHTS, tokens::Tokenizer, weights::Weights},
        super::adapters::Adapters,
        *,
    };

    /// What no gradient reaches does not learn, and the loss falls all the same.
    #[test]
    fn every_matrix_and_word_has_the_gradient_that_finite_differences_say() {
        let tokenizer = Tokenizer::load(VOCABULARY).unwrap();
        let weights = Weights::read(WEIGHTS).unwrap();
        let adapters = Adapters::new(&weights, &tokenizer, 2, &["zorp".into()], 3).unwrap();
        let variables = adapters.variables();
        let mut rng = StdRng::seed_from_u64(5);
        for variable in &variables {
            let values: Vec<f32> = (0..variable.elem_count()).map(|_| rng.random_range(-0.05..0.05)).collect();
            variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
        }
        let network = Network::from_weights(&adapters.beside(weights)).unwrap();
        let workers = Workers::new(Some(2)).unwrap();
        let picture = Tensor::zeros((1, 3, SIDE, SIDE), candle_core::DType::F32, &Device::Cpu).unwrap();
        let ids = tokenizer.extended(&["zorp".into()]).encode("a red zorp");
        let item = || Item { picture: &picture, ids: &ids, kept: false };
        let run = || gradients(&workers, (&network, &network), &variables, &[item(), item()], 9).unwrap();
        let (_, found) = run();
        let dead = found.iter().position(|gradient| gradient.iter().all(|value| value.abs() < 1e-9));
        assert_eq!(dead, None, "a variable gets no gradient");
        let before: Vec<Vec<f32>> = variables.iter().map(|one| one.flatten_all().unwrap().to_vec1().unwrap()).collect();
        // Each share of the variables is moved along its own gradient.
        for share in 0..SHARES {
            let mine = || (0..variables.len()).filter(|n| n % SHARES == share);
            let length = mine().flat_map(|n| &found[n]).map(|value| value * value).sum::<f32>().sqrt();
            let moved = |by: f32| {
                for n in mine() {
                    let values = before[n].iter().zip(&found[n]).map(|(value, slope)| value + by * slope / length);
                    let values = Tensor::from_vec(values.collect::<Vec<_>>(), variables[n].shape(), &Device::Cpu);
                    variables[n].set(&values.unwrap()).unwrap();
                }
                run().0
            };
            let by = 0.01;
            let measured = (moved(by) - moved(-by)) / (2.0 * f64::from(by));
            moved(0.0);
            let wanted = f64::from(length);
            assert!((measured - wanted).abs() < 0.03 * wanted, "share {share}: {measured}, not {wanted}");
        }
    }

    const SHARES: usize = 5;
}
