use std::sync::Arc;

use serde_json::json;
use tintype_diffusion::{
    Adapters, Compute,
    flow::{Schedule, Spacing, Tokens, t5::T5},
    flux::{Flux, Transformer, rename, transformer::Config},
};

use super::{PROMPT, Reference, STAGE, WALK, drawn};

const TOKENS: usize = 24;

fn velocity(reference: &Reference, config: &Config, adapters: Option<Adapters>) -> candle_core::Tensor {
    let weights = reference.weights("transformer");
    let weights = adapters.map_or(weights.clone(), |adapters| weights.with(&Arc::new(adapters), "transformer"));
    let transformer = Transformer::load(&weights, config).unwrap();
    let latents = reference.tensor("latents");
    let (_, _, height, width) = latents.dims4().unwrap();
    let (words, pooled) = (reference.tensor("words"), reference.tensor("pooled"));
    let prompt = transformer.prompt(words, pooled, 3.5, (height, width)).unwrap();
    transformer.forward(latents, 0.7, &prompt).unwrap()
}

#[test]
fn flux_prompts_become_the_tokens_of_the_reference() {
    let reference = Reference::open("flux");
    let tokens = Tokens::read(&reference.folder.join("tokenizer_2")).unwrap();
    assert_eq!(tokens.filled(PROMPT, TOKENS).unwrap().ids, reference.ids("t5_ids"));
}

#[test]
fn t5_reads_as_the_reference() {
    let reference = Reference::open("flux");
    let t5 = T5::load(&reference.weights("text_encoder_2"), &reference.configuration("text_encoder_2")).unwrap();
    reference.near(&t5.read(&reference.ids("t5_ids")).unwrap(), "words", STAGE);
}

#[test]
fn flux_transformer_answers_as_the_reference() {
    let reference = Reference::open("flux");
    let mut config: Config = reference.configuration("transformer");
    reference.near(&velocity(&reference, &config, None), "velocity", STAGE);
    config.guidance_embeds = false;
    reference.near(&velocity(&reference, &config, None), "velocity_without_guidance", STAGE);
}

#[test]
fn flux_lora_answers_as_the_reference() {
    let reference = Reference::open("flux");
    let mut adapters = Adapters::default();
    let lora = std::fs::read(reference.folder.join("lora.safetensors")).unwrap();
    adapters.add(&lora, 0.8, &Compute::cpu(), &rename).unwrap();
    let config = reference.configuration("transformer");
    reference.near(&velocity(&reference, &config, Some(adapters)), "velocity_lora", STAGE);
}

#[test]
fn levels_are_spaced_as_in_the_reference() {
    let reference = Reference::open("flux");
    let schedules = [
        ("flux", r#"{ "shift": 3.0, "use_dynamic_shifting": true, "base_shift": 0.5, "max_shift": 1.15 }"#),
        ("plain", r#"{ "shift": 3.0 }"#),
        ("schnell", r#"{ "shift": 1.0 }"#),
    ];
    for (name, json) in schedules {
        let schedule: Schedule = serde_json::from_str(json).unwrap();
        for steps in [1, 4, 28] {
            for (spacing, start) in [(Spacing::Even, ""), (Spacing::Trained, "default_")] {
                let expected = reference.values(&format!("{start}sigmas_{name}_{steps}"));
                let found = schedule.levels(steps, 3072, spacing);
                assert_eq!(found.len(), expected.len());
                let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off < 1e-6, "{start}{name} in {steps} steps: {found:?} is not {expected:?}");
            }
        }
    }
}

#[test]
fn flux_draws_the_pictures_of_the_reference() {
    let reference = Reference::open("flux");
    let app = reference.app("dev");
    let flux = Flux::published(app.path(), Compute::cpu()).unwrap().reading(TOKENS);
    let (found, steps) = drawn(&flux, "/dev", &json!({}), None);
    reference.near(&found, "drawn", WALK);
    assert_eq!(steps, [(1, 3), (2, 3), (3, 3)]);
    let (found, steps) = drawn(&flux, "/dev", &json!({ "num_images": 2 }), None);
    reference.near(&found, "two", WALK);
    assert_eq!(steps.last(), Some(&(6, 6)));
    let (found, steps) = drawn(&flux, "/dev/image-to-image", &json!({ "strength": 0.6 }), Some(reference.given(false)));
    reference.near(&found, "redrawn", WALK);
    assert_eq!(steps.last(), Some(&(2, 2)));
}

#[test]
fn a_set_that_is_not_there_is_named() {
    let reference = Reference::open("flux");
    let app = reference.app("dev");
    let error = Flux::with_loras(app.path(), Compute::cpu()).err().unwrap().to_string();
    assert!(error.contains("holds no weights `default`"), "{error}");
}
