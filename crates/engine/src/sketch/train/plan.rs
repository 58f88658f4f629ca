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
        self.announce(&dataset, watch);
        let mut run = Run::begin(&self.parts, &self.call, &dataset, found, watch)?;
        while run.done() < self.call.steps {
            let latest = run.step()?;
            run.loss = Some(run.loss.map_or(latest, |loss| loss + (latest - loss) * LATEST));
            let told = self.tell(&run, watch);
            // Whoever ended the run may be a server that is about to start again.
            if let Some(checkpoints) = checkpoints.as_mut().filter(|checkpoints| checkpoints.are_due() || told.is_err())
                && let Err(error) = run.saved(|state| checkpoints.save(state))
                && told.is_ok()
            {
                watch.note(&format!("no checkpoint could be written, so a crash would begin anew: {error}"));
            }
            told?;
        }
        self.files_of(&run, &dataset, begun)
    }
}

impl Training {
    /// What is about to be done, ahead of the first step, which takes the longest.
    fn announce(&self, Dataset { pictures, words, .. }: &Dataset, watch: &mut dyn Watch) {
        let new = if words.is_empty() { "no new word".into() } else { format!("the new words {}", words.join(", ")) };
        watch.note(&format!("learning from {} pictures, with {new}, in {} steps", pictures.len(), self.call.steps));
        watch.note("the first steps are slower: beside them the model draws what it is not to forget");
    }

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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use tintype_media::{Format, Picture, encode};

    use super::{
        super::{SketchTrainer, archive::tests::archive},
        *,
    };
    use crate::{Cancelled, Model, sketch::Sketch};

    /// Stops a run after a step, and looks at what it tells.
    #[derive(Default)]
    struct Looker {
        stop_after: Option<u32>,
        scratch: Option<PathBuf>,
        notes: Vec<String>,
        losses: Vec<f64>,
    }

    impl Watch for Looker {
        fn note(&mut self, message: &str) {
            self.notes.push(message.into());
        }

        fn step(&mut self, Step { done, measures, .. }: Step<'_>) -> Result<(), Cancelled> {
            self.losses.push(measures[0].1);
            if self.stop_after == Some(done) { Err(Cancelled) } else { Ok(()) }
        }

        fn scratch(&self) -> Option<&Path> {
            self.scratch.as_deref()
        }
    }

    fn given() -> Bytes {
        let picture = |shade| Picture::new(8, 8, vec![shade; 192]).unwrap();
        let picture = |shade| encode(&picture(shade), Format::Png, 90).unwrap().to_vec();
        let files: Vec<_> = (0..4).map(|n| (format!("{n}.png"), picture(n * 60))).collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (&name[..], &bytes[..])).collect();
        archive(&files).into()
    }

    fn run(trainer: &SketchTrainer, looker: &mut Looker) -> Result<Output, RunError> {
        let input = json!({ "images_data_url": "data:,", "trigger_word": "zorp", "steps": 4, "rank": 2, "seed": 5 });
        trainer.plan("", input.as_object().unwrap()).unwrap().run(vec![given()], looker)
    }

    #[test]
    fn a_run_that_was_stopped_goes_on_and_ends_as_one_that_was_not() {
        let trainer = SketchTrainer::load(Some(2)).unwrap();
        let mut whole = Looker::default();
        let expected = run(&trainer, &mut whole).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let looker = |stop_after| Looker { stop_after, scratch: Some(folder.path().into()), ..Looker::default() };
        let mut stopped = looker(Some(2));
        assert!(matches!(run(&trainer, &mut stopped), Err(RunError::Cancelled(_))));
        let mut resumed = looker(None);
        let found = run(&trainer, &mut resumed).unwrap();
        assert!(whole.notes[0].contains("from 4 pictures, with the new words zorp, in 4 steps"), "{:?}", whole.notes);
        let goes_on = |looker: &Looker| looker.notes.iter().any(|note| note.contains("after step 2"));
        assert!(goes_on(&resumed), "{:?}", resumed.notes);
        let losses = [stopped.losses, resumed.losses].concat();
        let far = losses.iter().zip(&whole.losses).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(losses.len() == 4 && far < 1e-9, "{losses:?}");
        assert_eq!((&found.files[0], found.units), (&expected.files[0], Some(4.0)));
        assert_eq!(found.files.iter().map(|(_, file)| file.extension).collect::<Vec<_>>(), ["safetensors", "json"]);

        std::fs::write(folder.path().join("checkpoint.safetensors"), b"no checkpoint").unwrap();
        let mut anew = looker(Some(1));
        assert!(run(&trainer, &mut anew).is_err() && !goes_on(&anew));
    }

    #[test]
    fn what_was_trained_changes_what_is_drawn_and_its_words_are_known() {
        let lora = run(&SketchTrainer::load(Some(2)).unwrap(), &mut Looker::default()).unwrap().files.remove(0).1.bytes;
        let sketch = Sketch::load(Some(2)).unwrap();
        let draw = |loras: Value, files: Vec<Bytes>| {
            let mut looker = Looker::default();
            let input = json!({ "prompt": "a red zorp", "seed": 1, "num_inference_steps": 2, "loras": loras });
            let input = input.as_object().unwrap();
            sketch.plan("", input).unwrap().run(files, &mut Quiet(&mut looker)).map(|drawn| (drawn.files, looker.notes))
        };
        let (plain, notes) = draw(json!([]), vec![]).unwrap();
        assert!(notes[0].contains("zorp"));
        let (worn, notes) = draw(json!([{ "path": "x" }]), vec![lora.clone()]).unwrap();
        assert!(notes.is_empty() && worn != plain);
        let (again, _) = draw(json!([{ "path": "x" }]), vec![lora.clone()]).unwrap();
        assert_eq!(again, worn);
        let wrong = draw(json!([{ "path": "x" }, { "path": "y" }]), vec![lora, Bytes::from_static(b"\x80\x02}q")]);
        let RunError::Invalid(invalid) = wrong.unwrap_err() else { panic!("a pickle was taken") };
        assert_eq!(
            (&invalid.0[0].loc[1..], &invalid.0[0].kind[..]),
            (&json!(["loras", 1, "path"]).as_array().unwrap()[..], "value_error")
        );
        assert!(invalid.0[0].msg.contains("pickle"));
    }

    /// Steps of a drawing have no loss.
    struct Quiet<'a>(&'a mut Looker);

    impl Watch for Quiet<'_> {
        fn note(&mut self, message: &str) {
            self.0.note(message);
        }

        fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
            Ok(())
        }
    }
}
