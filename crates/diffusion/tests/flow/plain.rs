//! Where no operation is fused, as on accelerators, and in other precisions.

use candle_core::{DType, Tensor};
use serde_json::json;
use tintype_diffusion::{
    Compute,
    flow::{qwen3::Qwen3, t5::T5},
    flux::{self, Flux},
    sd3::{self, StableDiffusion3},
    z_image::{self, ZImage},
};

use super::{NEGATIVE, PLAIN, Reference, WALK, drawn};

/// For each precision: what the networks of `family` say must be what the reference says.
fn each(family: &str, say: impl Fn(&Reference, &Compute, &dyn Fn(&str) -> Tensor) -> Vec<(Tensor, &'static str)>) {
    let reference = Reference::open(family);
    for (dtype, tolerance) in PLAIN {
        let compute = Compute::plain(dtype);
        for (found, name) in say(&reference, &compute, &|name| compute.take(reference.tensor(name)).unwrap()) {
            assert_eq!(found.dtype(), dtype, "`{name}`");
            reference.near(&found, name, tolerance);
        }
    }
}

#[test]
fn flux_says_the_same() {
    each("flux", |reference, compute, given| {
        let weights = |part: &str| reference.weights_in(part, compute);
        let t5 = T5::load(&weights("text_encoder_2"), &reference.configuration("text_encoder_2")).unwrap();
        let transformer =
            flux::Transformer::load(&weights("transformer"), &reference.configuration("transformer")).unwrap();
        let (_, _, height, width) = reference.tensor("latents").dims4().unwrap();
        let prompt = transformer.prompt(&given("words"), &given("pooled"), 3.5, (height, width)).unwrap();
        let velocity = transformer.forward(&given("latents"), 0.7, &prompt).unwrap();
        vec![(t5.read(&reference.ids("t5_ids")).unwrap(), "words"), (velocity, "velocity")]
    });
}

#[test]
fn sd3_says_the_same() {
    each("sd3", |reference, compute, given| {
        let weights = reference.weights_in("transformer", compute);
        let transformer = sd3::Transformer::load(&weights, &reference.configuration("transformer")).unwrap();
        let prompt = transformer.prompt(&given("words"), &given("pooled")).unwrap();
        vec![(transformer.forward(&given("latents"), 700.0, &prompt).unwrap(), "velocity")]
    });
}

#[test]
fn z_image_says_the_same() {
    each("z_image", |reference, compute, given| {
        let weights = |part: &str| reference.weights_in(part, compute);
        let qwen = Qwen3::load(&weights("text_encoder"), &reference.configuration("text_encoder")).unwrap();
        let words = qwen.read(&reference.ids("ids")).unwrap().squeeze(0).unwrap();
        let transformer =
            z_image::Transformer::load(&weights("transformer"), &reference.configuration("transformer")).unwrap();
        let (_, _, height, width) = reference.tensor("latents").dims4().unwrap();
        let prompt = transformer.prompt(&given("words").unsqueeze(0).unwrap(), (height, width)).unwrap();
        let velocity = transformer.forward(&given("latents"), 0.3, &prompt).unwrap().squeeze(0).unwrap();
        vec![(words, "words"), (velocity, "velocity")]
    });
}

#[test]
fn whole_pictures_are_the_same_in_double_precision() {
    let compute = || Compute::plain(DType::F64);
    let reference = Reference::open("flux");
    let app = reference.app("dev");
    let flux = Flux::published(app.path(), compute()).unwrap().reading(24);
    reference.near(&drawn(&flux, "/dev", &json!({}), None).0, "drawn", WALK);
    let given = Some(reference.given(false));
    reference.near(&drawn(&flux, "/dev/image-to-image", &json!({ "strength": 0.6 }), given).0, "redrawn", WALK);
    let reference = Reference::open("sd3");
    let app = reference.app("default");
    let sd3 = StableDiffusion3::open(app.path(), compute()).unwrap().reading(24);
    let guided = json!({ "negative_prompt": NEGATIVE, "guidance_scale": 3.5 });
    reference.near(&drawn(&sd3, "", &guided, None).0, "drawn", WALK);
    let reference = Reference::open("z_image");
    let app = reference.app("turbo");
    let z_image = ZImage::open(app.path(), compute()).unwrap();
    reference.near(&drawn(&z_image, "/turbo", &json!({}), None).0, "drawn", WALK);
}

#[test]
fn pictures_are_drawn_in_half_precision() {
    // Noise of half precision is other noise than the reference's.
    let compute = || Compute::plain(DType::F16);
    let app = Reference::open("flux").app("dev");
    drawn(&Flux::published(app.path(), compute()).unwrap().reading(24), "/dev", &json!({}), None);
    let app = Reference::open("sd3").app("default");
    let guided = json!({ "negative_prompt": NEGATIVE, "guidance_scale": 3.5 });
    drawn(&StableDiffusion3::open(app.path(), compute()).unwrap().reading(24), "", &guided, None);
    let reference = Reference::open("z_image");
    let app = reference.app("turbo");
    reference.near(&drawn(&ZImage::open(app.path(), compute()).unwrap(), "/turbo", &json!({}), None).0, "drawn", 5e-2);
}
