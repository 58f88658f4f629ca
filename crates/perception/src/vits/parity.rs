//! What transformers computes with the same tiny random weights (`reference/vits.py`), stage by stage.

use std::collections::HashMap;

use serde_json::json;

use super::*;
use crate::parity::{Onlooker, folder, reference, worst};

fn load() -> (Speaker, HashMap<String, Tensor>, Vec<u32>) {
    let reference = reference("vits/eng");
    let ids = reference["ids"].to_vec1::<i64>().unwrap().into_iter().map(|id| id as u32).collect();
    (Speaker::load(&folder("vits/eng")).unwrap(), reference, ids)
}

#[test]
fn every_stage_is_what_it_is_in_transformers() {
    let (speaker, reference, ids) = load();
    assert_eq!(speaker.letters.read("Hello, it's a small voice!").0, ids);
    let read = speaker.reader.forward(&ids).unwrap();
    assert!(worst(&read.hidden, &reference["hidden"]) < 2e-5);
    let mut noise = Normal::new(42);
    let mut drawn = noise.draw(2 * ids.len(), Precision::Single);
    for value in &mut drawn {
        *value *= speaker.config.noise_scale_duration;
    }
    let durations = speaker.durations.forward(&read.hidden, &drawn).unwrap();
    let durations = Tensor::from_vec(durations, ids.len(), &Device::Cpu).unwrap();
    assert!(worst(&durations, &reference["durations"]) < 1e-4);
    let mut noise = Normal::new(42);
    let lengths = speaker.lengths(&read, ids.len(), 1.0, &mut noise).unwrap();
    let frames = super::frames(&lengths, usize::MAX).unwrap();
    let before = speaker.latents(&read, &frames, &mut noise).unwrap();
    assert!(worst(&before, &reference["before"]) < 1e-4);
    let after = speaker.flow.back(&before).unwrap();
    assert!(worst(&after, &reference["after"]) < 2e-4);
    let wave = speaker.voice.forward(&after, || Ok::<_, candle_core::Error>(())).unwrap();
    let wave = Tensor::from_vec(wave, reference["waveform"].shape(), &Device::Cpu).unwrap();
    assert!(worst(&wave, &reference["waveform"]) < 2e-4);
}

#[test]
fn a_call_answers_with_sound_and_notes_what_it_left_out() {
    let model = Vits::load(Some(&folder("vits")), &["eng", "deu"], Some(1)).unwrap();
    let say = |path: &str, input: Value| {
        let mut watch = Onlooker::default();
        let plan = model.plan(path, input.as_object().unwrap()).unwrap();
        plan.run(Vec::new(), &mut watch).map(|output| (output, watch.0))
    };
    let (output, notes) = say("/eng", json!({ "text": "a 好 b", "seed": 7 })).unwrap();
    let limits = crate::audio::Limits { max_bytes: 1 << 20, max_seconds: 60.0 };
    let sound = crate::audio::decode(&output.files[0].1.bytes, 16_000, limits, &mut || true);
    let sound = sound.unwrap();
    assert!((sound.seconds() - output.units.unwrap()).abs() < 1e-9);
    assert!(notes[0].contains('好') && output.fields["seed"] == 7);
    let again = say("/eng", json!({ "text": "a b", "seed": 7 })).unwrap().0;
    assert_ne!(again.files[0].1.bytes.len(), 0);
    let error = say("/eng", json!({ "text": "好" })).unwrap_err().to_string();
    assert!(error.contains("text: The text has no letter"), "{error}");
    assert!(say("/deu", json!({ "text": "a" })).is_err());
    assert!(model.plan("/eng", &Map::new()).is_err());
}
