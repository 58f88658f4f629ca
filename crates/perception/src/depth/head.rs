//! From the patches of several layers to one depth for each pixel: the dense prediction transformer's convolutions.

use candle_core::{Result, Tensor};

use super::config::Config;
use crate::{
    interpolate::{Kind, interpolate},
    layers::{Conv, Patches, Unpatch, to_image, to_rows},
    weights::{LoadError, Loaded, Scope},
};

pub struct Head {
    stages: Vec<Stage>,
    fusions: Vec<Fusion>,
    narrow: Conv,
    middle: Conv,
    last: Conv,
    metric: bool,
    most: f64,
}

impl Head {
    pub fn load(root: &Scope<'_>, config: &Config) -> Loaded<Self> {
        let (neck, head) = (root.at("neck"), root.at("head"));
        let (width, small) = (config.fusion_hidden_size, config.head_hidden_size);
        let count = config.neck_hidden_sizes.len();
        let fusion = |n| Fusion::load(&neck.at("fusion_stage.layers").at(n), width, n > 0);
        Ok(Self {
            stages: (0..count).map(|n| Stage::load(&neck, n, config)).collect::<Loaded<_>>()?,
            fusions: (0..count).map(fusion).collect::<Loaded<_>>()?,
            narrow: Conv::load(&head.at("conv1"), &[width / 2, width, 3, 3])?,
            middle: Conv::load(&head.at("conv2"), &[small, width / 2, 3, 3])?,
            last: Conv::load(&head.at("conv3"), &[1, small, 1, 1])?,
            metric: config.depth_estimation_type == "metric",
            most: config.max_depth.unwrap_or(1.0),
        })
    }

    /// (1, 1, height, width): nearness without a unit, or metres where the weights are made for it.
    pub fn forward(&self, layers: &[Tensor], grid: (usize, usize), size: (usize, usize)) -> Result<Tensor> {
        let maps: Vec<Tensor> =
            self.stages.iter().zip(layers).map(|(stage, x)| stage.forward(x, grid)).collect::<Result<_>>()?;
        let mut fused: Option<Tensor> = None;
        for (n, fusion) in self.fusions.iter().enumerate() {
            let at = maps.len() - 1 - n;
            let size = at.checked_sub(1).map(|next| maps[next].dims4()).transpose()?.map(|(_, _, h, w)| (h, w));
            fused = Some(match fused {
                None => fusion.forward(&maps[at], None, size)?,
                Some(above) => fusion.forward(&above, Some(&maps[at]), size)?,
            });
        }
        let Some(fused) = fused else { candle_core::bail!("no layers to fuse") };
        let x = interpolate(&self.narrow.forward(&fused)?, size, Kind::BilinearAligned)?;
        let x = self.last.forward(&self.middle.forward(&x)?.relu()?)?;
        let x = if self.metric { (x.neg()?.exp()? + 1.0)?.recip()? } else { x.relu()? };
        x * self.most
    }
}

/// One layer's patches as a map, made larger or smaller.
struct Stage {
    project: Conv,
    scale: Scale,
    to_fusion: Conv,
}

enum Scale {
    Keep,
    Larger(Unpatch),
    Smaller(Patches),
}

impl Stage {
    fn load(neck: &Scope<'_>, n: usize, config: &Config) -> Loaded<Self> {
        let (inner, outer) = (config.neck_hidden_sizes[n], config.backbone.hidden_size);
        let scope = neck.at("reassemble_stage.layers").at(n);
        let (factor, resize) = (config.reassemble_factors[n], scope.at("resize"));
        let scale = if factor > 1.0 && factor.fract() == 0.0 {
            Scale::Larger(Unpatch::load(&resize, inner, inner, factor as usize)?)
        } else if (factor - 1.0).abs() < f32::EPSILON {
            Scale::Keep
        } else if factor > 0.0 && factor < 1.0 {
            Scale::Smaller(Patches::load(&resize, &[inner, inner, 3, 3], (1.0 / factor) as usize, 1)?)
        } else {
            let (found, expected) = (factor.to_string(), "a whole number or a fraction of one");
            return Err(LoadError::Unsupported { field: "reassemble_factors", found, expected });
        };
        Ok(Self {
            project: Conv::load(&scope.at("projection"), &[inner, outer, 1, 1])?,
            scale,
            to_fusion: Conv::load(&neck.at("convs").at(n), &[config.fusion_hidden_size, inner, 3, 3])?,
        })
    }

    fn forward(&self, x: &Tensor, grid: (usize, usize)) -> Result<Tensor> {
        let x = self.project.forward(&to_image(x, grid)?)?;
        let x = match &self.scale {
            Scale::Keep => x,
            Scale::Larger(unpatch) => unpatch.forward(&to_rows(&x)?, grid)?,
            Scale::Smaller(patches) => {
                let (rows, size) = patches.forward(&x.squeeze(0)?)?;
                to_image(&rows, size)?
            }
        };
        self.to_fusion.forward(&x)
    }
}

struct Fusion {
    project: Conv,
    /// For the map that joins; the first fusion has none.
    joining: Option<Residual>,
    own: Residual,
}

impl Fusion {
    fn load(scope: &Scope<'_>, width: usize, joins: bool) -> Loaded<Self> {
        let joining = joins.then(|| Residual::load(&scope.at("residual_layer1"), width)).transpose()?;
        Ok(Self {
            project: Conv::load(&scope.at("projection"), &[width, width, 1, 1])?,
            joining,
            own: Residual::load(&scope.at("residual_layer2"), width)?,
        })
    }

    /// Twice as large when no size is given.
    fn forward(&self, x: &Tensor, joined: Option<&Tensor>, size: Option<(usize, usize)>) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let x = match (&self.joining, joined) {
            (Some(residual), Some(joined)) => {
                (x + residual.forward(&interpolate(joined, (height, width), Kind::Bilinear)?)?)?
            }
            _ => x.clone(),
        };
        let size = size.unwrap_or((2 * height, 2 * width));
        self.project.forward(&interpolate(&self.own.forward(&x)?, size, Kind::BilinearAligned)?)
    }
}

struct Residual([Conv; 2]);

impl Residual {
    fn load(scope: &Scope<'_>, width: usize) -> Loaded<Self> {
        let part = |name: &str| Conv::load(&scope.at(name), &[width, width, 3, 3]);
        Ok(Self([part("convolution1")?, part("convolution2")?]))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x + self.0[1].forward(&self.0[0].forward(&x.relu()?)?.relu()?)?
    }
}
