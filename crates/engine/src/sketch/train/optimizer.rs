//! Adam, with a bound on the gradient as a whole.

use candle_core::{Result, Var};

const DECAY: (f32, f32) = (0.9, 0.99);
const EPSILON: f32 = 1e-8;
/// The longest gradient that is taken as it is.
const LONGEST: f64 = 1.0;

/// Running means of the gradient and of its square, for each variable.
pub(super) struct Adam {
    pub first: Vec<Vec<f32>>,
    pub second: Vec<Vec<f32>>,
    /// Steps made.
    pub steps: u32,
}

impl Adam {
    pub fn new(variables: &[&Var]) -> Self {
        let zeros = || variables.iter().map(|variable| vec![0.0; variable.elem_count()]).collect();
        Self { first: zeros(), second: zeros(), steps: 0 }
    }

    /// One step; `rates` holds a learning rate for each variable.
    pub fn step(&mut self, variables: &[&Var], gradients: &mut [Vec<f32>], rates: impl Fn(usize) -> f64) -> Result<()> {
        self.steps += 1;
        bound(gradients);
        let steps = self.steps as i32;
        let (by, by_square) = (1.0 - DECAY.0.powi(steps), 1.0 - DECAY.1.powi(steps));
        for (n, (variable, gradient)) in variables.iter().zip(gradients).enumerate() {
            let rate = rates(n) as f32;
            let mut values: Vec<f32> = variable.flatten_all()?.to_vec1()?;
            let means = self.first[n].iter_mut().zip(&mut self.second[n]);
            for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(means) {
                *first += (*gradient - *first) * (1.0 - DECAY.0);
                *second += (*gradient * *gradient - *second) * (1.0 - DECAY.1);
                *value -= rate * (*first / by) / ((*second / by_square).sqrt() + EPSILON);
            }
            variable.set(&candle_core::Tensor::from_vec(values, variable.shape(), variable.device())?)?;
        }
        Ok(())
    }
}

fn bound(gradients: &mut [Vec<f32>]) {
    let square: f64 = gradients.iter().flatten().map(|&value| f64::from(value) * f64::from(value)).sum();
    let factor = LONGEST / square.sqrt();
    if factor < 1.0 {
        gradients.iter_mut().flatten().for_each(|value| *value *= factor as f32);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn it_finds_the_bottom_of_a_bowl_and_holds_long_gradients() {
        let variable = Var::from_vec(vec![3.0_f32, -2.0], 2, &Device::Cpu).unwrap();
        let mut adam = Adam::new(&[&variable]);
        for _ in 0..300 {
            let values: Vec<f32> = variable.to_vec1().unwrap();
            let mut gradient = vec![values.iter().zip([1.0, 4.0]).map(|(x, a)| a * (x - 1.0)).collect()];
            adam.step(&[&variable], &mut gradient, |_| 0.05).unwrap();
        }
        let values: Vec<f32> = variable.to_vec1().unwrap();
        assert!(values.iter().all(|value| (value - 1.0).abs() < 0.02), "{values:?}");
        let mut long = [vec![30.0, 40.0]];
        bound(&mut long);
        assert!((long[0][0] - 0.6).abs() < 1e-6 && (long[0][1] - 0.8).abs() < 1e-6);
    }
}
