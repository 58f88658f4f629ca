//! The network against the PyTorch reference of the same weights, step by step.

mod reference;

use candle_core::{Device, Tensor};
use tintype_engine::{
    normal,
    sketch::{Sampling, Sketch, sample},
};

use reference::{Reference, near};

const STEPS: u32 = 6;

#[test]
fn every_step_agrees_with_the_reference() {
    let (reference, sketch) = (Reference::of("sketch"), Sketch::load(None).unwrap());
    assert_eq!(reference.cases.len(), 2);
    for (n, case) in reference.cases.iter().enumerate() {
        check(&reference, &sketch, n, case);
    }
    let refined = sketch.network().refine(reference.get(0, "final")).unwrap();
    near("refined", &refined, reference.get(0, "refined"));
}

fn check(reference: &Reference, sketch: &Sketch, n: usize, case: &serde_json::Value) {
    let (network, text) = (sketch.network(), |name: &str| case[name].as_str().unwrap());
    let ids = sketch.tokenizer().encode(text("prompt"));
    let expected: Vec<i64> = reference.get(n, "ids").flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(ids.iter().map(|&id| i64::from(id)).collect::<Vec<_>>(), expected);
    let seed = case["seed"].as_u64().unwrap();
    let noise = Tensor::from_vec(normal(seed, 3 * 64 * 64), (1, 3, 64, 64), &Device::Cpu).unwrap();
    near("noise", &noise, reference.get(n, "noise"));
    let words = network.read(&ids).unwrap();
    let count = words.values.dim(1).unwrap();
    near("words", &words.values, &reference.get(n, "words").narrow(1, 0, count).unwrap());
    near("pooled", &words.pooled, reference.get(n, "pooled"));
    let alone = network.prompt(&[&words]).unwrap();
    near("clean", &network.denoise(&noise, 0.75, &alone).unwrap(), reference.get(n, "clean_at_0.75"));
    let other = network.read(&sketch.tokenizer().encode(text("negative"))).unwrap();
    let prompt = network.prompt(&[&words, &other]).unwrap();
    let guidance = case["guidance"].as_f64().unwrap() as f32;
    let sampling = Sampling { network, prompt: &prompt, guidance, steps: STEPS, seed, begin: None };
    let trace = reference.get(n, "trace");
    let last = sample(&sampling, |step, x, _| {
        near(&format!("step {step}"), x, &trace.narrow(0, step as usize - 1, 1).unwrap());
        Ok::<_, candle_core::Error>(())
    });
    near("final", &last.unwrap(), reference.get(n, "final"));
}
