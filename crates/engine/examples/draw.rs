//! Draws a file of prompts, one JSON object with `id`, `prompt` and `seed` a line, into `FOLDER/<id>.png` at
//! 256 pixels a side, and says how long a step took. `models/sketch/recipe/evaluate.py` judges the folder.
//!
//!     cargo run --release --example draw -- prompts.jsonl FOLDER [EVERY [THREADS [LORA]]]

use std::{path::PathBuf, time::Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tintype_engine::{Cancelled, Model, Step, Watch, sketch::Sketch};

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
        return Err("draw PROMPTS FOLDER [EVERY [THREADS [LORA]]]".into());
    };
    let number = |n: usize| arguments.get(n).map(|text| text.parse::<usize>()).transpose();
    std::fs::create_dir_all(&folder)?;
    let sketch = Sketch::load(number(4)?)?;
    let lora: Vec<Bytes> = arguments.get(5).map(std::fs::read).transpose()?.into_iter().map(Bytes::from).collect();
    let loras: Vec<Value> = lora.iter().map(|_| json!({ "path": "lora" })).collect();
    let mut steps = Count(0);
    let begun = Instant::now();
    for line in std::fs::read_to_string(prompts)?.lines().step_by(number(3)?.unwrap_or(1)) {
        let row: Value = serde_json::from_str(line)?;
        let size = json!({ "width": 256, "height": 256 });
        let input = json!({ "prompt": row["prompt"], "seed": row["seed"], "image_size": size, "loras": loras });
        let plan = sketch.plan("", input.as_object().ok_or("an object")?)?;
        let output = plan.run(lora.clone(), &mut steps)?;
        std::fs::write(
            folder.join(format!("{}.png", row["id"].as_str().unwrap_or("picture"))),
            &output.files[0].1.bytes,
        )?;
    }
    let each = begun.elapsed().as_secs_f64() * 1000.0 / f64::from(steps.0);
    println!("{} steps, {each:.2} ms each", steps.0);
    Ok(())
}
