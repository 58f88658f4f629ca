//! Times a network that hears, sees or speaks for `bench/parts/perception.py`: every line `step` on its input is a step,
//! and is answered with the seconds that passed and those that the processor worked.
//!
//!     senses NAME FOLDER

use std::{io::BufRead, path::Path, time::Instant};

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = &words[..] else { return Err("say NAME FOLDER".into()) };
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.parse().ok()).unwrap_or(1);
    let step = tintype_perception::measure::step(name, Path::new(folder), threads)?;
    let step = step.ok_or_else(|| format!("there is no step `{name}`"))?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let (worked, begun) = (processor(), Instant::now());
        step()?;
        let (passed, worked) = (begun.elapsed().as_secs_f64(), processor() - worked);
        println!(r#"{{"seconds": {passed}, "worked": {worked}}}"#);
    }
    Ok(())
}

/// Seconds for which the processor worked for this process, by the kernel's count of each thread.
fn processor() -> f64 {
    // The count of a running thread is up to a tick old; that of one that has just waited is exact.
    std::thread::park_timeout(std::time::Duration::from_millis(1));
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let counts = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    counts.filter_map(|count| count.split_whitespace().next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}
