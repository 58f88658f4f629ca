//! Text to speech with VITS, one voice for each language: those of Massively Multilingual Speech.

mod config;
mod duration;
mod flow;
mod letters;
mod plan;
mod reader;
mod spline;
mod voice;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{Device, Tensor};
use serde_json::{Map, Value};
use tintype_engine::{Invalid, Model, Normal, Plan, Precision, RunError, Watch};

use crate::weights::{LoadError, Loaded, Weights, json, set};
use config::Config;
use duration::Durations;
use flow::Flow;
use letters::Letters;
use reader::{Read, Reader};
use voice::Voice;

/// All languages; a voice is loaded when it is first asked for.
pub struct Vits {
    paths: Vec<String>,
    speakers: Arc<Speakers>,
}

struct Speakers {
    folder: PathBuf,
    pool: rayon::ThreadPool,
    loaded: Mutex<BTreeMap<String, Arc<Speaker>>>,
}

impl Vits {
    /// `folder` has a folder for each installed language. `threads`: `None` takes what the machine offers.
    pub fn load(folder: Option<&Path>, languages: &[&str], threads: Option<usize>) -> Loaded<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
        let folder = folder.ok_or(LoadError::NotInstalled)?.to_owned();
        let speakers = Arc::new(Speakers { folder, pool, loaded: Mutex::default() });
        Ok(Self { paths: languages.iter().map(|language| format!("/{language}")).collect(), speakers })
    }
}

impl Model for Vits {
    fn paths(&self) -> Vec<String> {
        self.paths.clone()
    }

    fn plan(&self, path: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        let (speakers, language) = (self.speakers.clone(), path.trim_start_matches('/').to_owned());
        Ok(Box::new(plan::Speaking { speakers, language, call: plan::read(input)? }))
    }
}

impl Speakers {
    fn speaker(&self, language: &str) -> Loaded<Arc<Speaker>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(speaker) = loaded.get(language) {
            return Ok(speaker.clone());
        }
        let folder = set(Some(&self.folder), language)?;
        let speaker = Arc::new(self.pool.install(|| Speaker::load(&folder))?);
        loaded.insert(language.to_owned(), speaker.clone());
        Ok(speaker)
    }
}

struct Speaker {
    config: Config,
    letters: Letters,
    reader: Reader,
    durations: Durations,
    flow: Flow,
    voice: Voice,
}

enum Spoken {
    Samples(Vec<f32>),
    /// Nothing was computed that would have been thrown away.
    TooLong,
}

impl Speaker {
    fn load(folder: &Path) -> Loaded<Self> {
        let config: Config = json(folder, "config.json")?;
        config.check()?;
        let weights = Weights::open(folder)?;
        let root = weights.root();
        Ok(Self {
            letters: Letters::load(folder, config.vocab_size)?,
            reader: Reader::load(&root.at("text_encoder"), &config)?,
            durations: Durations::load(&root.at("duration_predictor"), &config)?,
            flow: Flow::load(&root.at("flow"), &config)?,
            voice: Voice::load(&root.at("decoder"), &config)?,
            config,
        })
    }

    /// The same noise gives the same sound; it is drawn as transformers draws it.
    fn speak(
        &self,
        ids: &[u32],
        speed: f32,
        noise: &mut Normal,
        most: usize,
        watch: &mut dyn Watch,
    ) -> Result<Spoken, RunError> {
        let read = self.reader.forward(ids)?;
        let lengths = self.lengths(&read, ids.len(), speed, noise)?;
        let each = self.config.upsample_rates.iter().product::<usize>();
        let Some(frames) = frames(&lengths, most / each.max(1)) else {
            return Ok(Spoken::TooLong);
        };
        let latents = self.latents(&read, &frames, noise)?;
        watch.wanted()?;
        let latents = self.flow.back(&latents)?;
        Ok(Spoken::Samples(self.voice.forward(&latents, || watch.wanted().map_err(RunError::from))?))
    }

    /// How many frames each letter is held.
    fn lengths(&self, read: &Read, letters: usize, speed: f32, noise: &mut Normal) -> Result<Vec<usize>, RunError> {
        let mut drawn = noise.draw(2 * letters, Precision::Single);
        for value in &mut drawn {
            *value *= self.config.noise_scale_duration;
        }
        let lengths = self.durations.forward(&read.hidden, &drawn)?;
        let length = |log: f32| (log.exp() / speed).ceil().clamp(0.0, 1e5) as usize;
        Ok(lengths.into_iter().map(length).collect())
    }

    fn latents(&self, read: &Read, frames: &[u32], noise: &mut Normal) -> candle_core::Result<Tensor> {
        let order = Tensor::new(frames, &Device::Cpu)?;
        let (mean, spread) = (read.mean.index_select(&order, 0)?, read.spread.index_select(&order, 0)?);
        // Drawn one by one there, because of how the values lie in memory.
        let drawn: Vec<f32> = (0..mean.elem_count()).flat_map(|_| noise.draw(1, Precision::Single)).collect();
        let drawn = Tensor::from_vec(drawn, mean.shape(), &Device::Cpu)?;
        mean + ((drawn * spread.exp()?)? * f64::from(self.config.noise_scale))?
    }
}

/// The letter of each frame; `None` if there are more than `most`, before memory is asked for them.
fn frames(lengths: &[usize], most: usize) -> Option<Vec<u32>> {
    let total = lengths.iter().fold(0_usize, |sum, length| sum.saturating_add(*length));
    // A text that is all silence is one frame of it.
    if total.max(1) > most {
        return None;
    }
    if total == 0 {
        return Some(vec![0]);
    }
    let held = |(n, length): (usize, &usize)| std::iter::repeat_n(n as u32, *length);
    Some(lengths.iter().enumerate().flat_map(held).collect())
}

#[cfg(test)]
mod parity;

#[cfg(test)]
mod tests {
    use super::frames;

    #[test]
    fn each_letter_is_held_for_its_length_and_silence_for_one_frame() {
        assert_eq!(frames(&[2, 0, 1], 3), Some(vec![0, 0, 2]));
        assert_eq!(frames(&[0, 0], 3), Some(vec![0]));
        assert_eq!(frames(&[], 3), Some(vec![0]));
    }

    #[test]
    fn more_frames_than_may_be_are_refused_before_they_are_made() {
        assert_eq!(frames(&[2, 2], 3), None);
        assert_eq!(frames(&[usize::MAX, usize::MAX], usize::MAX - 1), None);
        assert_eq!(frames(&[0], 0), None);
    }
}
