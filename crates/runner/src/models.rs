//! Which code serves a model: the families of this build, by the name that manifests use.

use std::{path::Path, sync::Arc};

use tintype_diffusion::{
    Compute, Drawer, Pipeline,
    flux::Flux,
    sd3::StableDiffusion3,
    stable_diffusion::{Named, StableDiffusion},
    z_image::ZImage,
};
use tintype_engine::{
    Model,
    sketch::{Sketch, SketchTrainer, SketchVideo},
};
use tintype_perception::{Depth, Dialect, Sam2, Vits, Whisper};

use crate::Options;

pub(crate) type LoadError = Box<dyn std::error::Error + Send + Sync>;
type Load = fn(&Options) -> Result<Arc<dyn Model>, LoadError>;

/// One line a family. What needs no weights ignores `Options::weights`.
const FAMILIES: &[(&str, Load)] = &[
    ("flux", |options| drawn(options, Flux::published)),
    ("flux-lora", |options| drawn(options, Flux::with_loras)),
    ("stable-diffusion", |options| drawn(options, StableDiffusion::classic)),
    ("stable-diffusion-turbo", |options| drawn(options, StableDiffusion::turbo)),
    ("stable-diffusion-xl", |options| drawn(options, StableDiffusion::xl)),
    ("stable-diffusion-3", |options| drawn(options, StableDiffusion3::open)),
    ("stable-diffusion-3-medium", |options| drawn(options, StableDiffusion3::medium)),
    ("stable-diffusion-named", |options| drawn(options, Named::open)),
    ("z-image", |options| drawn(options, ZImage::open)),
    ("depth-anything", |options| Ok(Arc::new(Depth::load(&installed(options)?, options.machine())?))),
    ("ffmpeg-api", |_| Ok(Arc::new(tintype_tools::ffmpeg_api()))),
    ("mms-tts", |options| Ok(Arc::new(Vits::load(options.weights.as_deref(), &MMS, options.threads)?))),
    ("sam2", |options| Ok(Arc::new(Sam2::load(&installed(options)?, options.machine())?))),
    ("sketch", sketch),
    ("sketch-train", |options| Ok(Arc::new(SketchTrainer::load(options.threads)?))),
    ("sketch-video", |options| Ok(Arc::new(SketchVideo::load(options.threads)?))),
    ("solids", |_| Ok(Arc::new(tintype_tools::solids()))),
    ("post-processing", |_| Ok(Arc::new(tintype_tools::post_processing()))),
    ("tones", |_| Ok(Arc::new(tintype_tools::tones()))),
    ("text-concat", |_| Ok(Arc::new(tintype_tools::text_concat()))),
    ("voice", |_| Ok(Arc::new(tintype_tools::voice()))),
    ("workflowutils", |_| Ok(Arc::new(tintype_tools::workflowutils()))),
    ("workflow-utilities", |_| Ok(Arc::new(tintype_tools::workflow_utilities()))),
    ("whisper", |options| Ok(Arc::new(Whisper::load(Dialect::Whisper, &installed(options)?, options.machine())?))),
    ("wizper", |options| Ok(Arc::new(Whisper::load(Dialect::Wizper, &installed(options)?, options.machine())?))),
];

/// The languages of the voices that the manifest names.
const MMS: [&str; 5] = ["eng", "deu", "fra", "spa", "por"];

/// The family of this name, if this build has it.
pub(crate) fn family(name: &str) -> Option<Load> {
    FAMILIES.iter().find(|(known, _)| *known == name).map(|(_, load)| *load)
}

pub(crate) fn names() -> String {
    let names = FAMILIES.iter().map(|(name, _)| *name).chain(["noop"]);
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The folder of the weights that the hearing and seeing families run with.
fn installed(options: &Options) -> Result<std::path::PathBuf, LoadError> {
    Ok(tintype_perception::set(options.weights.as_deref(), "default")?)
}

fn sketch(options: &Options) -> Result<Arc<dyn Model>, LoadError> {
    Ok(Arc::new(Sketch::load(options.threads)?))
}

/// A pipeline that draws, over the installed weights.
fn drawn<P: Pipeline>(
    options: &Options,
    load: fn(&Path, Compute) -> Result<P, tintype_diffusion::LoadError>,
) -> Result<Arc<dyn Model>, LoadError> {
    let folder = options.weights.as_deref().ok_or("this model needs weights, and no folder with them was named")?;
    Ok(Arc::new(Drawer::open(folder, options.machine(), load)?))
}

#[cfg(test)]
mod tests {
    use tintype_catalog::Catalog;

    use super::*;
    use crate::Listen;

    #[test]
    fn every_model_of_the_gallery_has_a_family_that_answers_at_its_endpoints() {
        let catalog = Catalog::open(&tintype_catalog::Options::default()).unwrap();
        for model in catalog.models() {
            let load =
                family(&model.family).unwrap_or_else(|| panic!("{} has no family `{}`", model.app, model.family));
            // What needs weights cannot say its paths without them.
            if !model.weights.is_empty() {
                continue;
            }
            let options = Options::new(model.app.to_string(), Listen::Unix("unused".into()));
            let paths = load(&options).unwrap().paths();
            for endpoint in &model.endpoints {
                assert!(paths.contains(&endpoint.path), "{} answers at {paths:?}", model.endpoint_id(endpoint));
            }
        }
    }
}
