//! Trains the sketch model on a zip of pictures and captions, as `tintype/sketch/train` does, and writes the adapters to
//! `LORA`. `models/sketch/recipe/concept.py` makes such archives and judges what is drawn afterwards.
//!
//!     cargo run --release --example train -- ARCHIVE LORA [STEPS [THREADS [FIELD=VALUE ..]]]

use std::time::Instant;

use serde_json::{Map, Value};
use tintype_engine::{Cancelled, Model, Step, Watch, sketch::SketchTrainer};

struct Progress(Instant);

impl Watch for Progress {
    fn note(&mut self, message: &str) {
        println!("{message}");
    }

    fn step(&mut self, Step { done, total, measures, .. }: Step<'_>) -> Result<(), Cancelled> {
        if done % 25 == 0 || done == total {
            println!("step {done}/{total}, {measures:?}, {:.1} s", self.0.elapsed().as_secs_f64());
        }
        Ok(())
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, archive, lora, rest @ ..] = &arguments[..] else {
        return Err("train ARCHIVE LORA [STEPS [THREADS [FIELD=VALUE ..]]]".into());
    };
    let threads = rest.get(1).map(|text| text.parse()).transpose()?;
    let mut input = Map::from_iter([("images_data_url".to_owned(), Value::from("archive")), ("seed".into(), 7.into())]);
    input.extend(rest.first().map(|steps| ("steps".to_owned(), steps.as_str().into())));
    for pair in rest.iter().skip(2) {
        let (name, value) = pair.split_once('=').ok_or("FIELD=VALUE")?;
        input.insert(name.into(), value.into());
    }
    let plan = SketchTrainer::load(threads)?.plan("", &input)?;
    let output = plan.run(vec![std::fs::read(archive)?.into()], &mut Progress(Instant::now()))?;
    std::fs::write(lora, &output.files[0].1.bytes)?;
    println!("{}", String::from_utf8_lossy(&output.files[1].1.bytes));
    Ok(())
}
