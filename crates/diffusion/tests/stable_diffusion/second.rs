//! Stable Diffusion 2.x: OpenCLIP's text encoder and padding, heads by block, and a network that says velocities.

use serde_json::json;
use tintype_diffusion::{
    Compute,
    clip::{Clip, ClipTokenizer},
    stable_diffusion::{StableDiffusion, Variant},
    unet::{Condition, Unet},
};

use super::{Onlooker, PROMPT, Reference, STAGE, WALK, drawn, job};

#[test]
fn prompts_are_padded_with_exclamation_marks_and_read_those_as_padding() {
    let reference = Reference::of("second");
    let tokenizer = ClipTokenizer::load(&reference.folder.join("tokenizer")).unwrap();
    let ids = |prompt: &str| tokenizer.encode(prompt).unwrap().ids;
    assert_eq!(ids(PROMPT), reference.ids("ids"));
    assert_eq!(ids("A fox! Look at it!! <|endoftext|> Now."), reference.ids("ids_loud"));
}

#[test]
fn networks_of_the_second_version_say_what_the_reference_says() {
    let reference = Reference::of("second");
    let clip = Clip::load(&reference.folder.join("text_encoder"), &reference.weights("text_encoder")).unwrap();
    let words = clip.normalised(&clip.encode(&reference.ids("ids"), 0).unwrap().hidden).unwrap();
    reference.near(&words, "last", STAGE);
    let unet = Unet::load(&reference.folder.join("unet"), &reference.weights("unet")).unwrap();
    let condition = Condition { words: words.repeat((2, 1, 1)).unwrap(), added: None, guidance: None };
    let said = unet.forward(reference.tensor("latents"), 341.5, &condition).unwrap();
    reference.near(&said, "said", STAGE);
}

#[test]
fn the_second_version_draws_as_the_reference_does() {
    let reference = Reference::of("second");
    let pipeline = reference.pipeline(Variant::Classic);
    let found = drawn(&pipeline, &job(&pipeline, "", &json!({}), None), &mut Onlooker::default()).unwrap();
    reference.near(&found, "drawn", WALK);
    let input = json!({ "scheduler": "Euler", "guidance_scale": 5, "strength": 0.75 });
    let job = job(&pipeline, "/inpainting", &input, Some(reference.given(true)));
    reference.near(&drawn(&pipeline, &job, &mut Onlooker::default()).unwrap(), "painted", WALK);
}

#[test]
fn the_published_method_is_the_linear_one_where_a_model_says_so() {
    let reference = Reference::of("second");
    let classic = Reference::of("classic").pipeline(Variant::Classic);
    let mut onlooker = Onlooker::default();
    let found = drawn(&classic, &job(&classic, "", &json!({}), None), &mut onlooker).unwrap();
    reference.near(&found, "classic", WALK);
    assert_eq!((onlooker.steps.len(), onlooker.notes.len()), (5, 0));
    // The same with velocities, from the middle of the walk.
    let scheduler = tempfile::tempdir().unwrap();
    std::fs::create_dir(scheduler.path().join("scheduler")).unwrap();
    let own = reference.folder.join("scheduler/scheduler_config.json");
    let mut own: serde_json::Value = serde_json::from_slice(&std::fs::read(own).unwrap()).unwrap();
    (own["_class_name"], own["skip_prk_steps"]) = ("PNDMScheduler".into(), true.into());
    std::fs::write(scheduler.path().join("scheduler/scheduler_config.json"), own.to_string()).unwrap();
    let folder = reference.with(&[("scheduler", scheduler.path())]);
    let pipeline = StableDiffusion::load(folder.path(), Variant::Classic, Compute::cpu()).unwrap();
    let input = json!({ "guidance_scale": 5, "strength": 0.6 });
    let job = job(&pipeline, "/image-to-image", &input, Some(reference.given(false)));
    reference.near(&drawn(&pipeline, &job, &mut Onlooker::default()).unwrap(), "drawn_again", WALK);
}
