//! What transformers computes with the same tiny random weights (`reference/sam2.py`), stage by stage.

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use tintype_media::{Format, Limits, Picture, decode, decode_canvas, encode};

use super::{prompt::Object, *};
use crate::{
    layers::to_rows,
    parity::{Onlooker, folder, pixels, places, pool, reference, worst},
};

fn load(compute: &Compute) -> Arc<Parts> {
    Sam2::load_for(&folder("sam2"), pool(), compute).unwrap().0
}

fn near(found: Vec<f32>, expected: &Tensor, tolerance: f32) {
    let found = Tensor::from_vec(found, expected.elem_count(), &Device::Cpu).unwrap();
    let worst = worst(&found, &expected.flatten_all().unwrap());
    assert!(worst < tolerance, "{worst}");
}

#[test]
fn every_stage_is_what_it_is_in_transformers() {
    let reference = reference("sam2");
    for (compute, more) in places() {
        let parts = load(&compute);
        for (n, stage) in parts.network.hiera(&pixels(128, 128)).unwrap().iter().enumerate() {
            assert_eq!(stage.dtype(), compute.dtype);
            let off = worst(&stage.squeeze(0).unwrap(), &reference[&format!("stage{n}")]);
            assert!(off < 2e-4 * more, "stage {n} in {compute}: {off}");
        }
        let seen = parts.network.see(&pixels(128, 128)).unwrap();
        let coarse = to_rows(&reference["embedding2"].unsqueeze(0).unwrap()).unwrap();
        for (n, (found, expected)) in [
            (&seen.fine.squeeze(0).unwrap(), &reference["embedding0"]),
            (&seen.middle.squeeze(0).unwrap(), &reference["embedding1"]),
            (&seen.coarse, &coarse),
        ]
        .into_iter()
        .enumerate()
        {
            let off = worst(found, expected);
            assert!(off < 5e-4 * more, "embedding {n} in {compute}: {off}");
        }
    }
}

#[test]
fn masks_are_what_they_are_in_transformers() {
    let reference = reference("sam2");
    for (compute, more) in places() {
        let parts = load(&compute);
        let seen = parts.network.see(&pixels(128, 128)).unwrap();
        let point = Object { points: vec![(40.0, 70.0, true)], area: None };
        let masks = parts.network.masks(&seen, &point).unwrap();
        near(masks.scores[1..].concat(), &reference["point_masks"], 2e-3 * more);
        near(masks.quality[1..].to_vec(), &reference["point_quality"], 1e-4 * more);
        let points = vec![(40.0, 70.0, true), (100.0, 20.0, false)];
        let several = Object { points, area: Some([10.0, 20.0, 90.0, 110.0]) };
        let masks = parts.network.masks(&seen, &several).unwrap();
        let best = masks.best(false, &parts.config.answering);
        near(masks.scores[best].clone(), &reference["several_mask"], 2e-3 * more);
        near(vec![masks.quality[best]], &reference["several_quality"], 1e-4 * more);
    }
}

fn picture() -> bytes::Bytes {
    let picture = Picture::new(60, 40, (0..60 * 40 * 3).map(|n| (n * 7 % 256) as u8).collect()).unwrap();
    encode(&picture, Format::Png, 90).unwrap()
}

fn called(input: &Value) -> Result<tintype_engine::Output, tintype_engine::RunError> {
    let model = Sam2::load(&folder("sam2"), Machine::cpu(1)).unwrap();
    model.plan("/image", input.as_object().unwrap()).unwrap().run(vec![picture()], &mut Onlooker::default())
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
    let model = Sam2::load(&folder("sam2"), Machine::cpu(2)).unwrap();
    let mut input =
        json!({ "image_url": "data:,", "points_per_side": 3, "pred_iou_thresh": 0, "stability_score_thresh": 0 });
    let mut divided = |thresh: f64| {
        input["pred_iou_thresh"] = thresh.into();
        let plan = model.plan(EVERYTHING, input.as_object().unwrap()).unwrap();
        plan.run(vec![picture()], &mut Onlooker::default()).unwrap()
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
