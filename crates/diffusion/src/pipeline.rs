//! From a family's pipeline to a model of the engine: input, files, LoRAs, progress, encoding and the answer.

use std::{path::Path, sync::Arc, time::Instant};

use bytes::Bytes;
use candle_core::Tensor;
use serde_json::{Map, Value, json};
use tintype_engine::{
    Cancelled, Detail, Invalid, Model, Output, Picture, Plan, RunError, Step, Wanted, Watch, unreadable_picture,
};
use tintype_media::{Limits, Mask, decode};

use crate::{
    Adapters, Call, Care, Compute, Endpoint, LoadError, Machine, Size,
    adapters::{self, Adapter},
    call::{self, Lora},
    pictures,
};

/// Larger than any LoRA of a rank that people use.
const LARGEST_LORA: u64 = 2 << 30;
/// Of all LoRAs of a call together.
const ALL_LORAS: u64 = 4 << 30;

/// What families differ in.
pub trait Pipeline: Send + Sync + 'static {
    fn endpoints(&self) -> &[Endpoint];

    fn compute(&self) -> &Compute;

    /// What the layers of a LoRA file are called in this model; see [`Adapters::add`].
    fn rename(&self, layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
        adapters::unchanged(layer, adapter)
    }

    /// What else a call must be, told before anything is fetched for it.
    fn check(&self, _: &Call) -> Result<(), Invalid> {
        Ok(())
    }

    /// Draws `job.call.images` pictures, each (1, 3, height, width) from -1 to 1. Calls `progress.begin` once it knows
    /// how many steps there are, and `progress.step` after each.
    fn draw(&self, job: &Job, progress: &mut Progress<'_>) -> Result<Vec<Tensor>, RunError>;
}

/// A call with everything that it needs.
pub struct Job {
    pub call: Call,
    /// What to draw, rounded as the model needs it.
    pub size: Size,
    pub given: Option<Given>,
    /// Empty when the call names no LoRA.
    pub adapters: Arc<Adapters>,
}

/// The pictures that a call gave.
pub struct Given {
    pub picture: tintype_media::Picture,
    pub mask: Option<Mask>,
}

/// Counts steps for whoever looks on.
pub struct Progress<'a> {
    watch: &'a mut dyn Watch,
    done: u32,
    total: u32,
}

impl<'a> Progress<'a> {
    pub fn new(watch: &'a mut dyn Watch) -> Self {
        Self { watch, done: 0, total: 0 }
    }

    pub fn begin(&mut self, total: usize) {
        self.total = total as u32;
    }

    pub fn note(&mut self, message: &str) {
        self.watch.note(message);
    }

    /// After each step; an error ends the run. `preview` is called only when somebody looks, and may return
    /// [`pictures::preview`] of a cheap guess.
    pub fn step(&mut self, preview: &dyn Fn() -> Option<Picture>) -> Result<(), Cancelled> {
        self.done += 1;
        self.watch.step(Step { done: self.done, total: self.total.max(self.done), measures: &[], preview })
    }
}

/// A pipeline as a model of the engine.
pub struct Drawer<P> {
    pipeline: Arc<P>,
    pool: Arc<rayon::ThreadPool>,
}

impl<P: Pipeline> Drawer<P> {
    /// The pipeline that `load` makes of the weights in `folder`.
    pub fn open(
        folder: &Path,
        machine: Machine,
        load: impl FnOnce(&Path, Compute) -> Result<P, LoadError> + Send,
    ) -> Result<Self, LoadError> {
        let pool = machine.pool()?;
        // Where half precision has a choice, these networks want its exponents.
        let compute = machine.device.compute(Care::Wide)?;
        let pipeline = pool.install(|| load(folder, compute))?;
        Ok(Self { pipeline: Arc::new(pipeline), pool: Arc::new(pool) })
    }

    /// `threads`: `None` takes what the machine offers. The same pool should load the weights.
    pub fn new(pipeline: P, threads: Option<usize>) -> Result<Self, LoadError> {
        let pool = Machine { threads, ..Machine::default() }.pool()?;
        Ok(Self { pipeline: Arc::new(pipeline), pool: Arc::new(pool) })
    }
}

impl<P: Pipeline> Model for Drawer<P> {
    fn place(&self) -> Option<String> {
        Some(self.pipeline.compute().to_string())
    }

    fn paths(&self) -> Vec<String> {
        self.pipeline.endpoints().iter().map(|endpoint| endpoint.path.clone()).collect()
    }

    fn plan(&self, path: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        let found = self.pipeline.endpoints().iter().find(|endpoint| endpoint.path == path);
        let endpoint = found.ok_or_else(|| Detail::new("", "not_found", format!("there is no `{path}`")))?.clone();
        let call = call::read(&endpoint, input)?;
        self.pipeline.check(&call)?;
        Ok(Box::new(Drawing { pipeline: self.pipeline.clone(), pool: self.pool.clone(), endpoint, call }))
    }
}

struct Drawing<P> {
    pipeline: Arc<P>,
    pool: Arc<rayon::ThreadPool>,
    endpoint: Endpoint,
    call: Call,
}

impl<P: Pipeline> Plan for Drawing<P> {
    fn files(&self) -> Vec<Wanted> {
        let most = Limits::default().max_bytes as u64;
        let one = |field: &str, url: &Option<String>| {
            url.clone().map(|url| Wanted { field: field.into(), url, max_bytes: most })
        };
        let pictures = [one("image_url", &self.call.image_url), one("mask_url", &self.call.mask_url)];
        let loras = self.call.loras.iter().enumerate().map(|(at, lora)| Wanted {
            field: format!("loras.{at}.path"),
            url: lora.url.clone(),
            max_bytes: LARGEST_LORA,
        });
        pictures.into_iter().flatten().chain(loras).collect()
    }

    fn inline(&self) -> bool {
        self.call.inline
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let begun = Instant::now();
        let pool = self.pool.clone();
        let images = pool.install(|| self.draw(files, watch))?;
        let mut fields = Map::new();
        fields.insert("timings".into(), json!({ "inference": begun.elapsed().as_secs_f64() }));
        fields.insert("seed".into(), self.call.seed.into());
        fields.insert("has_nsfw_concepts".into(), vec![false; images.len()].into());
        fields.insert("prompt".into(), self.call.prompt.clone().into());
        Ok(Output::images(images, fields))
    }
}

impl<P: Pipeline> Drawing<P> {
    fn draw(&self, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Vec<Picture>, RunError> {
        let mut files = files.into_iter();
        let given = self.given(&mut files)?;
        let adapters = Arc::new(self.adapters(files)?);
        let own = given.as_ref().map(|given| (given.picture.width(), given.picture.height()));
        let own = own.map(|(width, height)| Size { width, height });
        let size = self.call.drawn(own, &self.endpoint.defaults);
        let job = Job { call: self.call.clone(), size, given, adapters };
        let drawn = self.pipeline.draw(&job, &mut Progress::new(watch))?;
        let unused = job.adapters.unused();
        if let Some(first) = unused.first() {
            watch.note(&format!("{} layers of the LoRAs are not in this model, as `{first}`", unused.len()));
        }
        drawn.iter().map(|tensor| self.encoded(tensor)).collect()
    }

    fn given(&self, files: &mut impl Iterator<Item = Bytes>) -> Result<Option<Given>, Invalid> {
        let mut open = |field, url: &Option<String>| {
            let Some(bytes) = url.as_ref().and_then(|_| files.next()) else { return Ok(None) };
            decode(&bytes, &Limits::default()).map(Some).map_err(|error| unreadable_picture(field, &error))
        };
        let picture = open("image_url", &self.call.image_url)?;
        let mask = open("mask_url", &self.call.mask_url)?.map(|mask| mask.to_mask());
        Ok(picture.map(|picture| Given { picture, mask }))
    }

    /// Each file is let go of once it was read: what it came to is held instead.
    fn adapters(&self, files: impl Iterator<Item = Bytes>) -> Result<Adapters, Invalid> {
        let files: Vec<Bytes> = files.collect();
        within(&self.call.loras, &files)?;
        let mut adapters = Adapters::default();
        let rename = |layer: &str, adapter| self.pipeline.rename(layer, adapter);
        for (at, (lora, bytes)) in self.call.loras.iter().zip(files).enumerate() {
            let added = adapters.add(&bytes, lora.scale, self.pipeline.compute(), &rename);
            added.map_err(|error| misfit(&format!("loras.{at}.path"), &lora.url, &error))?;
        }
        Ok(adapters)
    }

    fn encoded(&self, tensor: &Tensor) -> Result<Picture, RunError> {
        let picture = pictures::to_picture(tensor)?.ok_or_else(pictures::no_picture)?;
        pictures::encoded(&picture, self.call.format).map_err(|error| RunError::Computation(error.into()))
    }
}

/// Refuses LoRAs that are too large together, before any of them is opened.
fn within(loras: &[Lora], files: &[Bytes]) -> Result<(), Invalid> {
    let mut sum = 0_u64;
    for (at, (lora, file)) in loras.iter().zip(files).enumerate() {
        sum = sum.saturating_add(file.len() as u64);
        if sum > ALL_LORAS {
            let message = format!(
                "The LoRAs are too large: those up to this one have {sum} bytes, and all LoRAs of a call may have at \
                 most {ALL_LORAS} bytes together. Name fewer or smaller ones."
            );
            let detail = Detail::new(&format!("loras.{at}.path"), "file_too_large", message);
            return Err(detail.with("max_size", ALL_LORAS).found(&Value::from(lora.url.as_str())).into());
        }
    }
    Ok(())
}

/// The finding about a LoRA that cannot be used.
pub fn misfit(field: &str, url: &str, error: &LoadError) -> Invalid {
    let because = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    let message = format!("Could not use the LoRA: {error}{because}");
    Detail::new(field, "file_download_error", message).found(&Value::from(url)).into()
}

/// For an error while a network is built with the adapters of a call: that is the fault of what the call names.
pub fn built<T>(result: Result<T, LoadError>) -> Result<T, RunError> {
    result.map_err(|error| match error {
        LoadError::Adapter { .. } => misfit("loras", "", &error).into(),
        other => RunError::Computation(Box::new(other)),
    })
}

/// Refuses LoRAs of which no layer is in the networks that were built with them.
pub fn fitting(adapters: &Adapters) -> Result<(), RunError> {
    let unused = adapters.unused();
    match unused.first() {
        Some(first) if unused.len() == adapters.len() => {
            let layer = first.clone();
            let found = "layers that this model does not have".into();
            let expected = "a LoRA that was trained on this model".into();
            Err(misfit("loras", "", &LoadError::Adapter { layer, found, expected }).into())
        }
        _ => Ok(()),
    }
}
