//! What transformers computes with the same tiny random weights (`reference/sam2.py`), stage by stage.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use tintype_engine::{Cancelled, Step, Watch};
use tintype_media::{Format, Limits, Picture, decode, decode_canvas, encode};

use super::{prompt::Object, *};
use crate::{layers::to_rows, worst};

struct Alone;

impl Watch for Alone {
    fn note(&mut self, _: &str) {}

    fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
        Ok(())
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/reference/sam2"))
}

fn load() -> (Arc<Parts>, HashMap<String, Tensor>) {
    let Sam2(parts) = Sam2::load(folder(), Some(2)).unwrap();
    (parts, candle_core::safetensors::load(folder().join("reference.safetensors"), &Device::Cpu).unwrap())
}

fn pixels() -> Tensor {
    let count = 3 * 128 * 128;
    let at = |n: usize| {
        let (value, column) = (-2.0 + 4.0 * n as f64 / f64::from(count - 1), (n % 128) as f64 / 127.0);
        (value.sin() * (0.2 + 2.8 * column).cos()) as f32
    };
    Tensor::from_vec((0..count as usize).map(at).collect(), (1, 3, 128, 128), &Device::Cpu).unwrap()
}

fn near(found: Vec<f32>, expected: &Tensor, tolerance: f32) {
    let found = Tensor::from_vec(found, expected.elem_count(), &Device::Cpu).unwrap();
    let worst = worst(&found, &expected.flatten_all().unwrap());
    assert!(worst < tolerance, "{worst}");
}

#[test]
fn every_stage_is_what_it_is_in_transformers() {
    let (parts, reference) = load();
    let stages = parts.network.hiera(&pixels()).unwrap();
    for (n, stage) in stages.iter().enumerate() {
        let worst = worst(&stage.squeeze(0).unwrap(), &reference[&format!("stage{n}")]);
        assert!(worst < 2e-4, "stage {n}: {worst}");
    }
    let seen = parts.network.see(&pixels()).unwrap();
    assert!(worst(&seen.fine.squeeze(0).unwrap(), &reference["embedding0"]) < 5e-4);
    assert!(worst(&seen.middle.squeeze(0).unwrap(), &reference["embedding1"]) < 5e-4);
    let coarse = to_rows(&reference["embedding2"].unsqueeze(0).unwrap()).unwrap();
    assert!(worst(&seen.coarse, &coarse) < 5e-4);
}

#[test]
fn masks_are_what_they_are_in_transformers() {
    let (parts, reference) = load();
    let seen = parts.network.see(&pixels()).unwrap();
    let point = Object { points: vec![(40.0, 70.0, true)], area: None };
    let masks = parts.network.masks(&seen, &point).unwrap();
    near(masks.scores[1..].concat(), &reference["point_masks"], 2e-3);
    near(masks.quality[1..].to_vec(), &reference["point_quality"], 1e-4);
    let points = vec![(40.0, 70.0, true), (100.0, 20.0, false)];
    let several = Object { points, area: Some([10.0, 20.0, 90.0, 110.0]) };
    let masks = parts.network.masks(&seen, &several).unwrap();
    let best = masks.best(false, &parts.config.answering);
    near(masks.scores[best].clone(), &reference["several_mask"], 2e-3);
    near(vec![masks.quality[best]], &reference["several_quality"], 1e-4);
}

fn picture() -> bytes::Bytes {
    let picture = Picture::new(60, 40, (0..60 * 40 * 3).map(|n| (n * 7 % 256) as u8).collect()).unwrap();
    encode(&picture, Format::Png, 90).unwrap()
}

fn called(input: &Value) -> Result<tintype_engine::Output, tintype_engine::RunError> {
    let model = Sam2::load(folder(), Some(1)).unwrap();
    model.plan("/image", input.as_object().unwrap()).unwrap().run(vec![picture()], &mut Alone)
}

#[test]
fn a_call_answers_with_a_mask_or_a_cut_out_of_the_pictures_size() {
    let prompts = json!([{ "x": 20, "y": 10 }]);
    let mask = called(&json!({ "image_url": "data:,", "prompts": prompts })).unwrap();
    let mask = decode(&mask.files[0].1.bytes, &Limits::default()).unwrap();
    assert_eq!((mask.width(), mask.height()), (60, 40));
    let input = json!({ "image_url": "data:,", "prompts": prompts, "apply_mask": true });
    let cut = called(&input).unwrap();
    let cut = decode_canvas(&cut.files[0].1.bytes, &Limits::default()).unwrap();
    for (white, pixel) in mask.pixels().chunks_exact(3).zip(cut.pixels().chunks_exact(4)) {
        assert_eq!(white[0], pixel[3]);
    }
}

#[test]
fn everything_is_found_once_and_together() {
    let model = Sam2::load(folder(), Some(2)).unwrap();
    let mut input =
        json!({ "image_url": "data:,", "points_per_side": 3, "pred_iou_thresh": 0, "stability_score_thresh": 0 });
    let mut divided = |thresh: f64| {
        input["pred_iou_thresh"] = thresh.into();
        let plan = model.plan(EVERYTHING, input.as_object().unwrap()).unwrap();
        plan.run(vec![picture()], &mut Alone).unwrap()
    };
    let all = divided(0.0);
    assert!(all.files.len() > 1, "{}", all.files.len());
    for (_, file) in &all.files {
        let mask = decode(&file.bytes, &Limits::default()).unwrap();
        assert_eq!((mask.width(), mask.height()), (60, 40));
    }
    let none = divided(1.0);
    assert_eq!((none.files.len(), &none.fields["individual_masks"]), (1, &json!([])));
}

#[test]
fn a_point_beside_the_picture_is_named() {
    let input = json!({ "image_url": "data:,", "prompts": [{ "x": 20, "y": 10 }, { "x": 20, "y": 41 }] });
    let error = called(&input).unwrap_err().to_string();
    assert!(error.contains("prompts.1.y") && error.contains("at most 40"), "{error}");
}
