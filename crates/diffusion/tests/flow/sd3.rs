use tintype_diffusion::sd3::Transformer;

use super::{Reference, STAGE};

#[test]
fn sd3_transformer_answers_as_the_reference() {
    let reference = Reference::open("sd3");
    let transformer =
        Transformer::load(&reference.weights("transformer"), &reference.configuration("transformer")).unwrap();
    let prompt = transformer.prompt(reference.tensor("words"), reference.tensor("pooled")).unwrap();
    reference.near(&transformer.forward(reference.tensor("latents"), 700.0, &prompt).unwrap(), "velocity", STAGE);
}
