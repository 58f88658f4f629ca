use serde_json::json;
use tintype_diffusion::{
    Compute,
    flow::{Tokens, qwen3::Qwen3},
    z_image::{Transformer, ZImage, asked},
};

use super::{NEGATIVE, PROMPT, Reference, STAGE, WALK, drawn};

#[test]
fn z_image_prompts_become_the_tokens_of_the_reference() {
    let reference = Reference::open("z_image");
    let tokens = Tokens::read(&reference.folder.join("tokenizer")).unwrap();
    assert_eq!(tokens.cut(&asked(PROMPT), 512).unwrap().ids, reference.ids("ids"));
}

#[test]
fn qwen3_reads_as_the_reference() {
    let reference = Reference::open("z_image");
    let qwen = Qwen3::load(&reference.weights("text_encoder"), &reference.configuration("text_encoder")).unwrap();
    let tokens = Tokens::read(&reference.folder.join("tokenizer")).unwrap();
    for (prompt, name) in [(PROMPT, "words"), (NEGATIVE, "negative")] {
        let ids = tokens.cut(&asked(prompt), 512).unwrap().ids;
        reference.near(&qwen.read(&ids).unwrap().squeeze(0).unwrap(), name, STAGE);
    }
}

#[test]
fn z_image_transformer_answers_as_the_reference() {
    let reference = Reference::open("z_image");
    let transformer =
        Transformer::load(&reference.weights("transformer"), &reference.configuration("transformer")).unwrap();
    let latents = reference.tensor("latents");
    let (_, _, height, width) = latents.dims4().unwrap();
    let words = reference.tensor("words").unsqueeze(0).unwrap();
    let prompt = transformer.prompt(&words, (height, width)).unwrap();
    let found = transformer.forward(latents, 0.3, &prompt).unwrap().squeeze(0).unwrap();
    reference.near(&found, "velocity", STAGE);
}

#[test]
fn z_image_draws_the_pictures_of_the_reference() {
    let reference = Reference::open("z_image");
    let app = reference.app("turbo");
    let pipeline = ZImage::open(app.path(), Compute::cpu()).unwrap();
    let (found, _) = drawn(&pipeline, "/turbo", &json!({}), None);
    reference.near(&found, "drawn", WALK);
    let guided = json!({ "guidance_scale": 2.0, "negative_prompt": NEGATIVE });
    let (found, _) = drawn(&pipeline, "/turbo", &guided, None);
    reference.near(&found, "guided", WALK);
    let (found, _) =
        drawn(&pipeline, "/turbo/image-to-image", &json!({ "strength": 0.6 }), Some(reference.given(false)));
    reference.near(&found, "redrawn", WALK);
}
