use serde_json::json;
use tintype_diffusion::{
    Compute,
    sd3::{StableDiffusion3, Transformer},
};

use super::{NEGATIVE, Reference, STAGE, WALK, drawn};

#[test]
fn sd3_transformer_answers_as_the_reference() {
    let reference = Reference::open("sd3");
    let transformer =
        Transformer::load(&reference.weights("transformer"), &reference.configuration("transformer")).unwrap();
    let prompt = transformer.prompt(reference.tensor("words"), reference.tensor("pooled")).unwrap();
    reference.near(&transformer.forward(reference.tensor("latents"), 700.0, &prompt).unwrap(), "velocity", STAGE);
}

#[test]
fn sd3_draws_the_pictures_of_the_reference() {
    let reference = Reference::open("sd3");
    let app = reference.app("default");
    let pipeline = StableDiffusion3::open(app.path(), Compute::cpu()).unwrap().reading(24);
    let (found, _) = drawn(&pipeline, "", &json!({ "negative_prompt": NEGATIVE, "guidance_scale": 3.5 }), None);
    reference.near(&found, "drawn", WALK);
    let (found, _) = drawn(&pipeline, "", &json!({ "guidance_scale": 1.0 }), None);
    reference.near(&found, "unguided", WALK);
}
