//! LoRAs: of several customs, of another shape, and of other models.

use std::{collections::HashMap, sync::Arc};

use candle_core::{Device, Tensor};
use serde_json::json;
use tintype_diffusion::{
    Adapters, LoadError, Pipeline,
    stable_diffusion::{StableDiffusion, Variant},
};
use tintype_engine::RunError;

use super::{Onlooker, Reference, WALK, drawn, job};

fn adapters(pipeline: &StableDiffusion, bytes: &[u8], scale: f64) -> Result<Arc<Adapters>, LoadError> {
    let mut adapters = Adapters::default();
    adapters.add(bytes, scale, pipeline.compute(), &|layer, adapter| pipeline.rename(layer, adapter))?;
    Ok(Arc::new(adapters))
}

fn saved(tensors: &[(&str, Tensor)]) -> Vec<u8> {
    let tensors: HashMap<&str, Tensor> = tensors.iter().cloned().collect();
    safetensors::serialize(&tensors, None).unwrap()
}

fn ones(shape: &[usize]) -> Tensor {
    Tensor::ones(shape, candle_core::DType::F32, &Device::Cpu).unwrap()
}

fn refused(found: Result<Tensor, RunError>) -> String {
    match found {
        Err(RunError::Invalid(invalid)) => invalid.to_string(),
        Err(other) => panic!("{other} is not about the input"),
        Ok(_) => panic!("the LoRA was taken"),
    }
}

#[test]
fn a_lora_beside_the_layers_draws_what_it_draws_when_merged_into_them() {
    let reference = Reference::of("classic");
    let pipeline = reference.pipeline(Variant::Classic);
    let input = json!({ "scheduler": "Euler", "guidance_scale": 7.5 });
    for file in ["lora.safetensors", "lora_flat.safetensors"] {
        let bytes = std::fs::read(reference.folder.join(file)).unwrap();
        let mut job = job(&pipeline, "", &input, None);
        job.adapters = adapters(&pipeline, &bytes, 0.7).unwrap();
        let found = drawn(&pipeline, &job, &mut Onlooker::default()).unwrap();
        assert_eq!(job.adapters.unused(), [] as [String; 0]);
        reference.near(&found, "drawn_with_lora", 3.0 * WALK);
    }
    // And leaves nothing behind.
    let plain = job(&pipeline, "", &input, None);
    let plain = drawn(&pipeline, &plain, &mut Onlooker::default()).unwrap();
    let first = reference.tensor("drawn").narrow(0, 0, 1).unwrap();
    let off = (plain - first).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(off < WALK);
}

#[test]
fn a_lora_of_another_shape_is_refused_and_the_layer_named() {
    let pipeline = Reference::of("classic").pipeline(Variant::Classic);
    let layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    let (down, up) = (format!("{layer}.lora_A.weight"), format!("{layer}.lora_B.weight"));
    let bytes = saved(&[(&down, ones(&[2, 320])), (&up, ones(&[320, 2]))]);
    let mut job = job(&pipeline, "", &json!({}), None);
    job.adapters = adapters(&pipeline, &bytes, 1.0).unwrap();
    let message = refused(drawn(&pipeline, &job, &mut Onlooker::default()));
    assert!(
        message.contains("attn1.to_q") && message.contains("[2, 320]") && message.contains("[rank, 16]"),
        "{message}"
    );
}

#[test]
fn a_lora_of_another_model_is_refused() {
    let pipeline = Reference::of("classic").pipeline(Variant::Classic);
    let bytes = saved(&[
        ("transformer.blocks.0.lora_A.weight", ones(&[2, 8])),
        ("transformer.blocks.0.lora_B.weight", ones(&[8, 2])),
    ]);
    let mut job = job(&pipeline, "", &json!({}), None);
    job.adapters = adapters(&pipeline, &bytes, 1.0).unwrap();
    let message = refused(drawn(&pipeline, &job, &mut Onlooker::default()));
    assert!(message.contains("a LoRA that was trained on this model"), "{message}");
}

#[test]
fn files_that_are_no_loras_are_refused() {
    let pipeline = Reference::of("classic").pipeline(Variant::Classic);
    let error = |bytes: &[u8]| adapters(&pipeline, bytes, 1.0).unwrap_err().to_string();
    assert!(error(b"\x80\x02}q\x00.").contains("not a safetensors file"));
    assert!(error(&saved(&[("model.weight", ones(&[2, 2]))])).contains("no part of a LoRA"));
    assert!(error(&saved(&[("unet.a.lora_A.weight", ones(&[2, 2]))])).contains("a pair"));
    let uneven = [("unet.a.lora_A.weight", ones(&[2, 4])), ("unet.a.lora_B.weight", ones(&[4, 3]))];
    assert!(error(&saved(&uneven)).contains("(rank, in)"));
}
