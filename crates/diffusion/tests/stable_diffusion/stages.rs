//! Networks one by one.

use candle_core::{DType, Tensor};
use tintype_diffusion::{
    Compute,
    clip::{Clip, ClipTokenizer},
    unet::{Condition, Unet},
    vae::Vae,
};

use super::{PLAIN, PROMPT, Reference, STAGE};

#[test]
fn a_prompt_is_cut_into_the_same_tokens() {
    for (name, folder, ids) in
        [("classic", "tokenizer", "ids"), ("xl", "tokenizer", "ids"), ("xl", "tokenizer_2", "ids_2")]
    {
        let reference = Reference::of(name);
        let tokens = ClipTokenizer::load(&reference.folder.join(folder)).unwrap().encode(PROMPT).unwrap();
        assert_eq!(tokens.ids, reference.ids(ids));
        assert!(tokens.lost.is_none());
    }
}

#[test]
fn what_is_longer_than_the_encoder_reads_is_told() {
    let tokenizer = ClipTokenizer::load(&Reference::of("classic").folder.join("tokenizer")).unwrap();
    let tokens = tokenizer.encode(&format!("{}the end", "fox ".repeat(200))).unwrap();
    assert_eq!(tokens.ids.len(), 77);
    assert!(tokens.lost.unwrap().ends_with("fox the end"));
}

#[test]
fn the_text_encoder_reads_as_the_reference_does() {
    let reference = Reference::of("classic");
    let clip = Clip::load(&reference.folder.join("text_encoder"), &reference.weights("text_encoder")).unwrap();
    let encoded = clip.encode(&reference.ids("ids"), 0).unwrap();
    reference.near(&clip.normalised(&encoded.hidden).unwrap(), "last", STAGE);
    reference.near(&encoded.pooled, "pooled", STAGE);
}

#[test]
fn both_text_encoders_of_xl_read_as_the_reference_does() {
    let reference = Reference::of("xl");
    let encode = |part: &str, ids: &str| {
        let clip = Clip::load(&reference.folder.join(part), &reference.weights(part)).unwrap();
        clip.encode(&reference.ids(ids), 1).unwrap()
    };
    let (first, second) = (encode("text_encoder", "ids"), encode("text_encoder_2", "ids_2"));
    reference.near(&Tensor::cat(&[first.hidden, second.hidden], 2).unwrap(), "words", STAGE);
    reference.near(&second.pooled, "pooled", STAGE);
}

#[test]
fn the_network_says_what_the_reference_says_at_odd_sizes_too() {
    let reference = Reference::of("classic");
    let unet = Unet::load(&reference.folder.join("unet"), &reference.weights("unet")).unwrap();
    let words = reference.tensor("last").repeat((2, 1, 1)).unwrap();
    let condition = Condition { words, added: None, guidance: None };
    let said = unet.forward(reference.tensor("latents"), 341.5, &condition).unwrap();
    reference.near(&said, "said", STAGE);
}

#[test]
fn the_network_of_xl_hears_of_sizes_and_the_whole_prompt() {
    let reference = Reference::of("xl");
    let unet = Unet::load(&reference.folder.join("unet"), &reference.weights("unet")).unwrap();
    let added = (reference.tensor("pooled").clone(), vec![64.0, 80.0, 0.0, 0.0, 64.0, 80.0]);
    let condition = Condition { words: reference.tensor("words").clone(), added: Some(added), guidance: None };
    let said = unet.forward(reference.tensor("latents"), 341.5, &condition).unwrap();
    reference.near(&said, "said", STAGE);
}

#[test]
fn the_autoencoder_encodes_and_decodes_as_the_reference_does() {
    let reference = Reference::of("classic");
    let vae = Vae::load(&reference.folder.join("vae"), &reference.weights("vae")).unwrap();
    let given = reference.tensor("given").to_dtype(DType::F32).unwrap();
    let given = (given / 127.5).unwrap().affine(1.0, -1.0).unwrap();
    reference.near(&vae.encode_mean(&given).unwrap(), "mean", STAGE);
    reference.near(&vae.decode(reference.tensor("wide")).unwrap(), "decoded", STAGE);
    reference.near(&vae.decode_in_tiles(reference.tensor("wide"), 8).unwrap(), "tiled", STAGE);
}

/// Accelerators have no fused operations, and neither has any precision but the single one: the same code computes there.
#[test]
fn networks_say_the_same_where_no_operation_is_fused() {
    for (dtype, tolerance) in PLAIN {
        let (reference, compute) = (Reference::of("classic"), Compute::plain(dtype));
        let weights = |part: &str| reference.weights_in(part, &compute);
        let given = |name: &str| compute.take(reference.tensor(name)).unwrap();
        let clip = Clip::load(&reference.folder.join("text_encoder"), &weights("text_encoder")).unwrap();
        let encoded = clip.encode(&reference.ids("ids"), 0).unwrap();
        reference.near(&clip.normalised(&encoded.hidden).unwrap(), "last", tolerance);
        let unet = Unet::load(&reference.folder.join("unet"), &weights("unet")).unwrap();
        let words = given("last").repeat((2, 1, 1)).unwrap();
        let said = unet.forward(&given("latents"), 341.5, &Condition { words, added: None, guidance: None }).unwrap();
        assert_eq!(said.dtype(), dtype);
        reference.near(&said, "said", tolerance);
        let vae = Vae::load(&reference.folder.join("vae"), &weights("vae")).unwrap();
        reference.near(&vae.decode(&given("wide")).unwrap(), "decoded", tolerance);
        reference.near(&vae.decode_in_tiles(&given("wide"), 8).unwrap(), "tiled", tolerance);
    }
}

#[test]
fn the_network_of_xl_says_the_same_where_no_operation_is_fused() {
    for (dtype, tolerance) in PLAIN {
        let (reference, compute) = (Reference::of("xl"), Compute::plain(dtype));
        let given = |name: &str| compute.take(reference.tensor(name)).unwrap();
        let unet = Unet::load(&reference.folder.join("unet"), &reference.weights_in("unet", &compute)).unwrap();
        let added = (given("pooled"), vec![64.0, 80.0, 0.0, 0.0, 64.0, 80.0]);
        let condition = Condition { words: given("words"), added: Some(added), guidance: None };
        reference.near(&unet.forward(&given("latents"), 341.5, &condition).unwrap(), "said", tolerance);
    }
}
