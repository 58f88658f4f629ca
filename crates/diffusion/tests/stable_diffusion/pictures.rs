//! Whole pipelines, from a prompt to pictures.

use candle_core::DType;
use serde_json::json;
use tintype_diffusion::{
    Compute,
    stable_diffusion::{StableDiffusion, Variant},
};
use tintype_engine::RunError;

use super::{Onlooker, Reference, WALK, drawn, job};

#[test]
fn the_same_seed_draws_the_same_pictures() {
    let reference = Reference::of("classic");
    let pipeline = reference.pipeline(Variant::Classic);
    let input = json!({ "scheduler": "Euler", "num_images": 2, "guidance_scale": 7.5 });
    let mut onlooker = Onlooker::default();
    let found = drawn(&pipeline, &job(&pipeline, "", &input, None), &mut onlooker).unwrap();
    reference.near(&found, "drawn", WALK);
    assert_eq!(onlooker.steps, [(1, 4), (2, 4), (3, 4), (4, 4)]);
}

#[test]
fn layers_of_the_text_encoder_can_be_skipped_and_guidance_left_out() {
    let reference = Reference::of("classic");
    let pipeline = reference.pipeline(Variant::Classic);
    let input = json!({ "scheduler": "Euler", "guidance_scale": 1, "clip_skip": 1 });
    let found = drawn(&pipeline, &job(&pipeline, "", &input, None), &mut Onlooker::default()).unwrap();
    reference.near(&found, "drawn_skipping", WALK);
}

#[test]
fn a_picture_is_drawn_again_as_the_reference_does() {
    let reference = Reference::of("classic");
    let pipeline = reference.pipeline(Variant::Classic);
    let input = json!({ "scheduler": "Euler A", "guidance_scale": 5, "strength": 0.6 });
    let job = job(&pipeline, "/image-to-image", &input, Some(reference.given(false)));
    let mut onlooker = Onlooker::default();
    reference.near(&drawn(&pipeline, &job, &mut onlooker).unwrap(), "drawn_again", WALK);
    assert_eq!(onlooker.steps.len(), 2);
}

#[test]
fn what_a_mask_covers_is_painted_as_the_reference_does() {
    for name in ["classic", "seeing"] {
        let reference = Reference::of(name);
        let source = Reference::of("classic");
        // Only the network differs.
        let folder = source.with(&[("unet", &reference.folder)]);
        let pipeline = StableDiffusion::load(folder.path(), Variant::Classic, Compute::cpu()).unwrap();
        let methods = if name == "classic" { ["DPM++ 2M Karras", "Euler A"] } else { ["Euler", "Euler"] };
        let strength = if name == "classic" { 0.75 } else { 0.8 };
        for (painted, method, strength) in [("painted", methods[0], strength), ("painted_anew", methods[1], 1.0)] {
            let input = json!({ "scheduler": method, "guidance_scale": 5, "strength": strength });
            let job = job(&pipeline, "/inpainting", &input, Some(source.given(true)));
            reference.near(&drawn(&pipeline, &job, &mut Onlooker::default()).unwrap(), painted, WALK);
        }
    }
}

#[test]
fn xl_draws_as_the_reference_with_and_without_a_negative_prompt() {
    let reference = Reference::of("xl");
    let pipeline = reference.pipeline(Variant::Xl);
    for (name, negative) in [("drawn", ""), ("drawn_away", super::NEGATIVE)] {
        let input = json!({ "guidance_scale": 6, "negative_prompt": negative });
        let job = job(&pipeline, "", &input, None);
        reference.near(&drawn(&pipeline, &job, &mut Onlooker::default()).unwrap(), name, WALK);
    }
    let input = json!({ "guidance_scale": 6, "scheduler": "UniPC", "strength": 0.8 });
    let job = job(&pipeline, "/image-to-image", &input, Some(reference.given(false)));
    reference.near(&drawn(&pipeline, &job, &mut Onlooker::default()).unwrap(), "drawn_again", WALK);
}

#[test]
fn a_run_ends_at_the_step_at_which_nobody_wants_it_any_more() {
    let pipeline = Reference::of("classic").pipeline(Variant::Classic);
    let mut onlooker = Onlooker { stop: 2, ..Onlooker::default() };
    let ended = drawn(&pipeline, &job(&pipeline, "", &json!({}), None), &mut onlooker);
    assert!(matches!(ended, Err(RunError::Cancelled(_))));
    assert_eq!(onlooker.steps.len(), 2);
}

/// Noise of half precision is other noise, so there the picture is only drawn, from text and from a picture under a mask.
#[test]
fn pictures_are_drawn_where_no_operation_is_fused() {
    let reference = Reference::of("classic");
    let input = json!({ "scheduler": "Euler", "num_images": 2, "guidance_scale": 7.5 });
    for dtype in [DType::F64, DType::F16] {
        let pipeline = StableDiffusion::load(&reference.folder, Variant::Classic, Compute::plain(dtype)).unwrap();
        let found = drawn(&pipeline, &job(&pipeline, "", &input, None), &mut Onlooker::default()).unwrap();
        if dtype == DType::F64 {
            reference.near(&found, "drawn", WALK);
        }
        let painted = job(&pipeline, "/inpainting", &input, Some(reference.given(true)));
        drawn(&pipeline, &painted, &mut Onlooker::default()).unwrap();
    }
}
