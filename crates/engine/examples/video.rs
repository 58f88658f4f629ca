//! Draws a file of prompts, one JSON object with `id`, `prompt` and `seed` a line, into `FOLDER/<id>.mp4`, and says how
//! long a step took. `models/sketch/recipe/evaluate_video.py` judges the folder.
//!
//!     cargo run --release --example video -- video_prompts.jsonl FOLDER [EVERY [THREADS]]

use std::{path::PathBuf, time::Instant};

use serde_json::{Value, json};
use tintype_engine::{Cancelled, Model, Step, Watch, sketch::SketchVideo};

struct Count(u32);

impl Watch for Count {
    fn note(&mut self, _: &str) {}

    fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
        self.0 += 1;
        Ok(())
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().collect();
    let [prompts, folder] = [1, 2].map(|n| arguments.get(n).map(PathBuf::from));
    let (Some(prompts), Some(folder)) = (prompts, folder) else {
        return Err("video PROMPTS FOLDER [EVERY [THREADS]]".into());
    };
    let number = |n: usize| arguments.get(n).map(|text| text.parse::<usize>()).transpose();
    std::fs::create_dir_all(&folder)?;
    let video = SketchVideo::load(number(4)?)?;
    let mut steps = Count(0);
    let begun = Instant::now();
    for line in std::fs::read_to_string(prompts)?.lines().step_by(number(3)?.unwrap_or(1)) {
        let row: Value = serde_json::from_str(line)?;
        let input = json!({ "prompt": row["prompt"], "seed": row["seed"] });
        let output = video.plan("", input.as_object().ok_or("an object")?)?.run(Vec::new(), &mut steps)?;
        let name = format!("{}.mp4", row["id"].as_str().unwrap_or("video"));
        std::fs::write(folder.join(name), &output.files[0].1.bytes)?;
    }
    let each = begun.elapsed().as_secs_f64() * 1000.0 / f64::from(steps.0);
    println!("{} steps, {each:.1} ms each, encoding included", steps.0);
    Ok(())
}
