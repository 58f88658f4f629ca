use tintype_diffusion::{
    flow::{Tokens, qwen3::Qwen3},
    z_image::{Transformer, asked},
};

use super::{NEGATIVE, PROMPT, Reference, STAGE};

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
