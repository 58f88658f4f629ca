//! What transformers computes with the same tiny random weights (`reference/depth.py`), stage by stage.

use candle_core::Device;
use serde_json::json;
use tintype_engine::{Cancelled, Place, Step, Watch};
use tintype_media::{Format, Limits, Picture, decode, encode};

use super::*;
use crate::worst;

struct Alone;

impl Watch for Alone {
    fn note(&mut self, _: &str) {}

    fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
        Ok(())
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/reference/depth"))
}

fn pixels() -> Tensor {
    let count = 3 * 70 * 98;
    let at = |n: usize| {
        let (value, column) = (-2.0 + 4.0 * n as f64 / f64::from(count - 1), (n % 98) as f64 / 97.0);
        (value.sin() * (0.2 + 2.8 * column).cos()) as f32
    };
    Tensor::from_vec((0..count as usize).map(at).collect(), (1, 3, 70, 98), &Device::Cpu).unwrap()
}

#[test]
fn every_stage_is_what_it_is_in_transformers() {
    let Depth(parts) = Depth::load(folder(), Some(2)).unwrap();
    let reference = candle_core::safetensors::load(folder().join("reference.safetensors"), &Device::Cpu).unwrap();
    let (layers, grid) = parts.backbone.forward(&pixels()).unwrap();
    assert_eq!((grid, layers.len()), ((5, 7), 4));
    for (n, layer) in layers.iter().enumerate() {
        // The reference keeps the class.
        let expected = reference["layers"].get(n).unwrap().narrow(0, 1, 35).unwrap();
        assert!(worst(&layer.squeeze(0).unwrap(), &expected) < 5e-5, "{n}");
    }
    let depth = parts.forward(&pixels()).unwrap().squeeze(0).unwrap().squeeze(0).unwrap();
    assert!(worst(&depth, &reference["depth"]) < 5e-4);
}

#[test]
fn a_picture_becomes_a_picture_of_the_same_size() {
    let model = Depth::load(folder(), Some(1)).unwrap();
    for (width, height) in [(61, 40), (3, 200), (1, 1)] {
        let picture =
            Picture::new(width, height, (0..width * height * 3).map(|n| (n * 7 % 256) as u8).collect()).unwrap();
        let file = encode(&picture, Format::Png, 90).unwrap();
        let plan = model.plan(PATH, json!({ "image_url": "data:," }).as_object().unwrap()).unwrap();
        let output = plan.run(vec![file], &mut Alone).unwrap();
        let (place, made) = &output.files[0];
        let found = decode(&made.bytes, &Limits::default()).unwrap();
        assert_eq!((*place, found.width(), found.height()), (Place::Member("image"), width, height));
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let model = Depth::load(folder(), Some(1)).unwrap();
    let plan = model.plan(PATH, json!({ "image_url": "data:," }).as_object().unwrap()).unwrap();
    let error = plan.run(vec![b"hello".to_vec().into()], &mut Alone).unwrap_err();
    assert!(error.to_string().contains("image_url"), "{error}");
    assert!(model.plan(PATH, &Map::new()).is_err());
}
