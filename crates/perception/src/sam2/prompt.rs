//! Points and boxes as tokens, and where things are as numbers.

use candle_core::{Device, Result, Tensor};

use super::config::Prompt as Config;
use crate::weights::{Loaded, Scope};

/// What says where an object is, in the pixels of the square that the network sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// x, y, and whether the object is there or is not.
    pub points: Vec<(f32, f32, bool)>,
    /// Left, top, right, bottom.
    pub area: Option<[f32; 4]>,
}

pub struct Prompts {
    places: Places,
    kinds: Vec<Vec<f32>>,
    nothing: Vec<f32>,
    no_mask: Tensor,
    side: f32,
}

impl Prompts {
    pub fn load(scope: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let width = config.width;
        Ok(Self {
            places: Places::load(&scope.at("shared_embedding"), width)?,
            kinds: scope.at("point_embed").table("weight", &[4, width])?.to_vec2()?,
            nothing: scope.at("not_a_point_embed").table("weight", &[1, width])?.flatten_all()?.to_vec1()?,
            no_mask: scope.at("no_mask_embed").tensor("weight", &[1, width])?,
            side: config.side as f32,
        })
    }

    /// (tokens, width)
    pub fn tokens(&self, object: &Object) -> Result<Tensor> {
        let mut rows = Vec::new();
        for (x, y, is_there) in &object.points {
            rows.push(self.token(*x, *y, usize::from(*is_there)));
        }
        if let Some([left, top, right, bottom]) = object.area {
            rows.push(self.token(left, top, 2));
            rows.push(self.token(right, bottom, 3));
        }
        // The network was trained with one more, which says nothing.
        rows.push(self.nothing.clone());
        let count = rows.len();
        Tensor::from_vec(rows.concat(), (count, ()), &Device::Cpu)
    }

    /// What stands for an earlier mask where there is none, (1, width).
    pub fn no_mask(&self) -> &Tensor {
        &self.no_mask
    }

    fn token(&self, x: f32, y: f32, kind: usize) -> Vec<f32> {
        let place = self.places.of((x + 0.5) / self.side, (y + 0.5) / self.side);
        place.iter().zip(&self.kinds[kind]).map(|(a, b)| a + b).collect()
    }
}

/// Random waves over the picture.
pub struct Places {
    across: Vec<f32>,
    down: Vec<f32>,
}

impl Places {
    pub fn load(scope: &Scope<'_>, width: usize) -> Loaded<Self> {
        let rows = scope.table("positional_embedding", &[2, width / 2])?.to_vec2::<f32>()?;
        Ok(Self { across: rows[0].clone(), down: rows[1].clone() })
    }

    /// Of a place between 0 and 1 on either axis.
    fn of(&self, x: f32, y: f32) -> Vec<f32> {
        let (x, y) = (2.0 * x - 1.0, 2.0 * y - 1.0);
        let angles = self.across.iter().zip(&self.down).map(|(a, b)| std::f32::consts::TAU * (x * a + y * b));
        let angles: Vec<f32> = angles.collect();
        angles.iter().map(|angle| angle.sin()).chain(angles.iter().map(|angle| angle.cos())).collect()
    }

    /// Of the middles of a square grid, (side * side, width).
    pub fn grid(&self, side: usize) -> Result<Tensor> {
        let at = |n: usize| (n as f32 + 0.5) / side as f32;
        let rows: Vec<f32> = (0..side * side).flat_map(|n| self.of(at(n % side), at(n / side))).collect();
        Tensor::from_vec(rows, (side * side, ()), &Device::Cpu)
    }
}
