//! A run from its archive to its two files.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Parts, checkpoint::Checkpoints, dataset::Dataset, input::Call, run::Run};
use crate::{Made, Output, Place, Plan, RunError, Step, Wanted, Watch};

const LARGEST_ARCHIVE: u64 = 256 << 20;
/// Steps between two pictures of what has been learned.
const SHOW_EVERY: u32 = 50;
/// The share of the latest step in the loss that is told.
const LATEST: f64 = 0.05;

pub(super) struct Training {
    pub parts: Arc<Parts>,
    pub call: Call,
}

impl Plan for Training {
    fn files(&self) -> Vec<Wanted> {
        let url = self.call.archive.clone();
        vec![Wanted { field: "images_data_url".into(), url, max_bytes: LARGEST_ARCHIVE }]
    }

    fn inline(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let begun = Instant::now();
        let archive = files.into_iter().next().unwrap_or_default();
        let dataset = Dataset::read(&archive, &self.call, &self.parts.tokenizer, watch)?;
        let mut checkpoints = watch.scratch().map(|folder| Checkpoints::new(folder, &self.call, &archive));
        drop(archive);
        let found = checkpoints.as_ref().and_then(Checkpoints::find);
        let mut run = Run::begin(&self.parts, &self.call, &dataset, found, watch)?;
        while run.done() < self.call.steps {
            let latest = run.step()?;
            run.loss = Some(run.loss.map_or(latest, |loss| loss + (latest - loss) * LATEST));
            self.tell(&run, watch)?;
            if let Some(checkpoints) = checkpoints.as_mut().filter(|checkpoints| checkpoints.are_due())
                && let Err(error) = run.saved(|state| checkpoints.save(state))
            {
                watch.note(&format!("no checkpoint could be written, so a crash would begin anew: {error}"));
            }
        }
        self.files_of(&run, &dataset, begun)
    }
}

impl Training {
    fn tell(&self, run: &Run<'_>, watch: &mut dyn Watch) -> Result<(), RunError> {
        let (done, total) = (run.done(), self.call.steps);
        let preview = || (done % SHOW_EVERY == 0).then(|| run.sample(done / SHOW_EVERY))?;
        let measures = [("loss", run.loss.unwrap_or_default())];
        Ok(watch.step(Step { done, total, measures: &measures, preview: &preview })?)
    }

    fn files_of(&self, run: &Run<'_>, dataset: &Dataset, begun: Instant) -> Result<Output, RunError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| RunError::Computation(error);
        let lora = run.lora()?.write().map_err(|error| failed(error.into()))?;
        let Call { trigger, steps, learning_rate, rank, is_style, .. } = &self.call;
        let config = json!({
            "base_model": "tintype/sketch",
            "trigger_word": trigger,
            "new_words": dataset.words,
            "images": dataset.pictures.len(),
            "steps": steps,
            "learning_rate": learning_rate,
            "rank": rank,
            "is_style": is_style,
            "seed": run.seed,
            "loss": run.loss,
            "seconds": begun.elapsed().as_secs_f64(),
        });
        let config = serde_json::to_vec_pretty(&config).map_err(|error| failed(error.into()))?;
        let made = |bytes: Vec<u8>, content_type, extension| Made {
            bytes: bytes.into(),
            content_type,
            extension,
            facts: Map::<String, Value>::new(),
        };
        let files = vec![
            (Place::Member("diffusers_lora_file"), made(lora, "application/octet-stream", "safetensors")),
            (Place::Member("config_file"), made(config, "application/json", "json")),
        ];
        Ok(Output { files, fields: Map::new(), units: Some(f64::from(*steps)) })
    }
}
