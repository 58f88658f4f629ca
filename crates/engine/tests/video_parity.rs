//! The network over the frames of clips against the PyTorch reference of the same weights, step by step.

mod reference;

use tintype_engine::sketch::{Sampling, SketchVideo, sample};

use reference::{Reference, near};

#[test]
fn every_step_of_a_clip_agrees_with_the_reference() {
    let (reference, video) = (Reference::of("sketch-video"), SketchVideo::load(None).unwrap());
    assert_eq!(reference.cases.len(), 2);
    for n in 0..reference.cases.len() {
        check(&reference, n, &video);
    }
}

fn check(reference: &Reference, n: usize, video: &SketchVideo) {
    let (case, network) = (&reference.cases[n], video.network());
    let (number, text) = (|name: &str| case[name].as_u64().unwrap(), |name: &str| case[name].as_str().unwrap());
    let (frames, steps) = (number("frames") as usize, number("steps") as u32);
    let ids = video.tokenizer().encode(text("prompt"));
    let wanted: Vec<i64> = reference.get(n, "ids").flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(ids.iter().map(|&id| i64::from(id)).collect::<Vec<_>>(), wanted);
    let (other, noise) = (video.tokenizer().encode(text("negative")), reference.get(n, "noise"));
    let alone = video.moments().prompt(network, &[ids.as_slice()], frames).unwrap();
    let clean = network.denoise(&noise.repeat((frames, 1, 1, 1)).unwrap(), 0.75, &alone).unwrap();
    near("clean", &clean, reference.get(n, "clean_at_0.75"));
    let prompt = video.moments().prompt(network, &[ids.as_slice(), other.as_slice()], frames).unwrap();
    let guidance = case["guidance"].as_f64().unwrap() as f32;
    let sampling = Sampling { network, prompt: &prompt, guidance, steps, seed: number("seed"), begin: None };
    let last = sample(&sampling, |step, x, _| {
        near(&format!("step {step}"), x, &reference.get(n, "trace").get(step as usize - 1).unwrap());
        Ok::<_, candle_core::Error>(())
    });
    near("final", &last.unwrap(), reference.get(n, "final"));
}
