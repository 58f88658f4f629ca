//! What tells the network at which moment of a motion a frame stands.
//!
//! What a word means changes over a clip ("right" begins on the left), and a row is added to the cells of each frame. Both
//! are mixed from the neighbours in a table.

use candle_core::{Result, Tensor};

use crate::sketch::{
    network::{Network, Prompt},
    weights::{LoadError, Weights},
};

pub struct Moments {
    /// (knots, words, width)
    words: Tensor,
    /// (moments, width)
    rows: Tensor,
}

impl Moments {
    pub(super) fn load(weights: &Weights) -> std::result::Result<Self, LoadError> {
        Ok(Self { words: weights.tensor("embed_paths")?, rows: weights.tensor("frame_table")? })
    }

    /// What words mean when a clip begins, (words, width).
    pub(super) fn beginning(&self) -> Result<Tensor> {
        self.words.get(0)
    }

    /// Prepares clips of so many frames, evenly over the whole motion, one for each list of ids.
    pub fn prompt(&self, network: &Network, ids: &[&[u32]], frames: usize) -> Result<Prompt> {
        let tables = (0..frames).map(|frame| mixed(&self.words, frame, frames)).collect::<Result<Vec<_>>>()?;
        let rows = (0..frames).map(|frame| mixed(&self.rows, frame, frames)).collect::<Result<Vec<_>>>()?;
        let each = ids.iter().flat_map(|ids| tables.iter().map(|table| network.read_with(ids, table)));
        let words = each.collect::<Result<Vec<_>>>()?;
        network.clip(&words.iter().collect::<Vec<_>>(), &Tensor::stack(&rows, 0)?)
    }
}

/// The entry of a table, or what is between two, where a frame stands.
fn mixed(table: &Tensor, frame: usize, frames: usize) -> Result<Tensor> {
    let last = table.dim(0)? - 1;
    let at = frame as f32 / frames.saturating_sub(1).max(1) as f32 * last as f32;
    let low = (at as usize).min(last - 1);
    let (below, above) = (table.get(low)?, table.get(low + 1)?);
    &below + ((above - &below)? * f64::from(at - low as f32))?
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn frames_stand_evenly_between_the_first_moment_and_the_last() {
        let table = Tensor::new(&[[0.0_f32], [2.0], [8.0]], &Device::Cpu).unwrap();
        let rows = |frames: usize| -> Vec<f32> {
            (0..frames).map(|frame| mixed(&table, frame, frames).unwrap().to_vec1().unwrap()[0]).collect()
        };
        assert_eq!(rows(5), [0.0, 1.0, 2.0, 5.0, 8.0]);
        assert_eq!(rows(2), [0.0, 8.0]);
        assert_eq!(rows(1), [0.0]);
    }
}
