//! Whole calls, as the engine makes them.

use std::collections::HashMap;

use bytes::Bytes;
use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use tempfile::TempDir;
use tintype_diffusion::{Drawer, Machine, flux::Flux};
use tintype_engine::{Model, Output, RunError};

use super::{Onlooker, PROMPT, Reference};

fn drawer(app: &TempDir) -> Drawer<Flux> {
    Drawer::open(app.path(), Machine::cpu(1), |folder, compute| Ok(Flux::with_loras(folder, compute)?.reading(24)))
        .unwrap()
}

fn call(drawer: &Drawer<Flux>, input: &Value, files: Vec<Bytes>, stop: u32) -> Result<Output, RunError> {
    let mut fields = json!({ "prompt": PROMPT, "seed": 7, "num_inference_steps": 2 });
    fields["image_size"] = json!({ "width": 96, "height": 70 });
    fields.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let plan = drawer.plan("", fields.as_object().unwrap()).unwrap();
    assert_eq!(plan.files().len(), files.len());
    plan.run(files, &mut Onlooker { stop, ..Onlooker::default() })
}

/// A LoRA of rank 2 for one layer.
fn lora(layer: &str, [inputs, outputs]: [usize; 2]) -> Bytes {
    let tensor = |shape: (usize, usize)| Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap();
    let tensors = HashMap::from([
        (format!("{layer}.lora_A.weight"), tensor((2, inputs))),
        (format!("{layer}.lora_B.weight"), tensor((outputs, 2))),
    ]);
    safetensors::serialize(&tensors, None).unwrap().into()
}

#[test]
fn a_call_answers_as_hosted_models_do() {
    let app = Reference::open("flux").app("default");
    let drawer = drawer(&app);
    let Output { files, fields, .. } = call(&drawer, &json!({ "num_images": 2 }), vec![], 0).unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(json!(files[0].1.facts), json!({ "width": 96, "height": 64 }));
    assert_eq!(fields["seed"], 7);
    assert_eq!(fields["has_nsfw_concepts"], json!([false, false]));
    let again = call(&drawer, &json!({}), vec![], 0).unwrap();
    assert_eq!(again.files[0], files[0]);
}

#[test]
fn a_lora_changes_the_picture_and_one_of_another_shape_is_named() {
    let app = Reference::open("flux").app("default");
    let drawer = drawer(&app);
    let with = json!({ "loras": [{ "path": "https://example.com/x.safetensors", "scale": 0.5 }] });
    let plain = call(&drawer, &json!({}), vec![], 0).unwrap().files;
    let fit = lora("transformer.transformer_blocks.0.attn.to_q", [32, 32]);
    assert_ne!(call(&drawer, &with, vec![fit], 0).unwrap().files, plain);
    let Err(RunError::Invalid(found)) =
        call(&drawer, &with, vec![lora("transformer.transformer_blocks.0.attn.to_q", [64, 32])], 0)
    else {
        panic!("a LoRA of another width was taken");
    };
    let found = json!(found.0);
    assert_eq!(found[0]["loc"][1], "loras");
    assert!(found[0]["msg"].as_str().unwrap().contains("transformer_blocks.0.attn.to_q"), "{found}");
    let Err(RunError::Invalid(found)) = call(&drawer, &with, vec![Bytes::from_static(b"no safetensors")], 0) else {
        panic!("a file that is no LoRA was taken");
    };
    assert_eq!(json!(found.0)[0]["loc"], json!(["body", "loras", 0, "path"]));
}

#[test]
fn loras_are_too_large_only_by_themselves_or_together() {
    let app = Reference::open("flux").app("default");
    let drawer = drawer(&app);
    let loras = vec![json!({ "path": "https://example.com/x.safetensors" }); 5];
    let with = json!({ "prompt": PROMPT, "loras": loras });
    let files = drawer.plan("", with.as_object().unwrap()).unwrap().files();
    assert!(files.iter().all(|file| file.max_bytes == 2 << 30), "however many there are");
    // Nobody writes to these pages, nor reads them: they take no memory.
    let file = Bytes::from(vec![0; 1 << 30]);
    let Err(RunError::Invalid(found)) = call(&drawer, &with, vec![file; 5], 0) else {
        panic!("5 GiB of LoRAs were taken");
    };
    let found = json!(found.0);
    assert_eq!((&found[0]["loc"], &found[0]["type"]), (&json!(["body", "loras", 4, "path"]), &json!("file_too_large")));
    assert_eq!(found[0]["ctx"]["max_size"], 4_u64 << 30);
}

#[test]
fn a_cancelled_call_ends_after_the_step_that_it_is_at() {
    let app = Reference::open("flux").app("default");
    assert!(matches!(call(&drawer(&app), &json!({}), vec![], 1), Err(RunError::Cancelled(_))));
}
