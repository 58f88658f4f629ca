//! Times a network of the families for `bench/parts/networks.py`: what it is told on its input, a word a
//! line, it does, and answers with the seconds that passed and those that the processor worked.
//!
//!     network KIND FOLDER TOKENS SIDE
//!
//! `read` reads the weight files as they are; `load` makes them a network; `step` asks the network once, in a picture
//! of SIDE latents a side and with TOKENS words.

use std::{io::BufRead, path::Path, time::Instant};

use candle_core::{Device, Tensor};
use tintype_diffusion::{Compute, LoadError, Weights, config, flux, sd3, unet, z_image};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Ask = Box<dyn Fn() -> candle_core::Result<Tensor>>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, folder, tokens, side] = arguments.as_slice() else {
        return Err("network KIND FOLDER TOKENS SIDE".into());
    };
    let (folder, tokens, side) = (Path::new(folder), tokens.parse()?, side.parse()?);
    let mut network: Option<Ask> = None;
    for line in std::io::stdin().lock().lines() {
        let (worked, begun) = (processor(), Instant::now());
        match line?.as_str() {
            "read" => read(folder)?,
            "load" => {
                // What was there before is gone before the clock runs.
                drop(network.take());
                let (worked, begun) = (processor(), Instant::now());
                network = Some(load(kind, folder, tokens, side)?);
                say(begun, worked);
                continue;
            }
            "step" => drop(network.as_ref().ok_or("say `load` first")?()?),
            other => return Err(format!("`{other}` is none of `read`, `load`, `step`").into()),
        }
        say(begun, worked);
    }
    Ok(())
}

fn say(begun: Instant, worked: f64) {
    println!(r#"{{"seconds": {}, "worked": {}}}"#, begun.elapsed().as_secs_f64(), processor() - worked);
}

/// Seconds for which the processor worked for this process, by the kernel's count of each thread.
fn processor() -> f64 {
    // The count of a running thread is up to a tick old; that of one that has just waited is exact.
    std::thread::park_timeout(std::time::Duration::from_millis(1));
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let counts = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    counts.filter_map(|count| count.split_whitespace().next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}

fn read(folder: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            std::hint::black_box(std::fs::read(path)?);
        }
    }
    Ok(())
}

fn load(kind: &str, folder: &Path, tokens: usize, side: usize) -> Result<Ask, Error> {
    let weights = Weights::folder(folder, &Compute::cpu())?;
    let path = folder.join("config.json");
    let random = |shape: &[usize]| Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu);
    let latents = random(&[1, if kind == "unet" { 4 } else { 16 }, side, side])?;
    // Of these widths, whatever the network's own are.
    let settings: serde_json::Value = config::read(&path)?;
    let width = |name: &str| settings[name].as_u64().map(|width| width as usize).ok_or(format!("no `{name}`"));
    Ok(match kind {
        "flux" => {
            let network = flux::Transformer::load(&weights, &config::read(&path)?)?;
            let words = random(&[1, tokens, width("joint_attention_dim")?])?;
            let pooled = random(&[1, width("pooled_projection_dim")?])?;
            let prompt = network.prompt(&words, &pooled, 3.5, (side, side))?;
            Box::new(move || network.forward(&latents, 0.7, &prompt))
        }
        "sd3" => {
            let network = sd3::Transformer::load(&weights, &config::read(&path)?)?;
            let words = random(&[1, tokens, width("joint_attention_dim")?])?;
            let prompt = network.prompt(&words, &random(&[1, width("pooled_projection_dim")?])?)?;
            Box::new(move || network.forward(&latents, 700.0, &prompt))
        }
        "unet" => {
            let network = unet::Unet::load(folder, &weights)?;
            let words = random(&[1, tokens, width("cross_attention_dim")?])?;
            let condition = unet::Condition { words, added: None, guidance: None };
            Box::new(move || network.forward(&latents, 500.0, &condition))
        }
        "z_image" => {
            let network = z_image::Transformer::load(&weights, &config::read(&path)?)?;
            let prompt = network.prompt(&random(&[1, tokens, width("cap_feat_dim")?])?, (side, side))?;
            Box::new(move || network.forward(&latents, 0.3, &prompt))
        }
        other => {
            return Err(LoadError::Configuration { path, reason: format!("no network is called `{other}`") }.into());
        }
    })
}
