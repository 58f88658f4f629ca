//! What transformers computes with the same tiny random weights (`reference/depth.py`), stage by stage.

use serde_json::json;
use tintype_engine::Place;
use tintype_media::{Format, Limits, Picture, decode, encode};

use super::*;
use crate::parity::{Onlooker, folder, pixels, places, pool, reference, worst};

#[test]
fn every_stage_is_what_it_is_in_transformers() {
    let reference = reference("depth");
    for (compute, more) in places() {
        let Depth(parts) = Depth::load_for(&folder("depth"), pool(), compute.clone()).unwrap();
        let (layers, grid) = parts.backbone.forward(&compute.take(&pixels(70, 98)).unwrap()).unwrap();
        assert_eq!((grid, layers.len()), ((5, 7), 4));
        for (n, layer) in layers.iter().enumerate() {
            assert_eq!(layer.dtype(), compute.dtype);
            // The reference keeps the class.
            let expected = reference["layers"].get(n).unwrap().narrow(0, 1, 35).unwrap();
            let off = worst(&layer.squeeze(0).unwrap(), &expected);
            assert!(off < 5e-5 * more, "layer {n} in {compute}: {off}");
        }
        let depth = parts.forward(&pixels(70, 98)).unwrap().squeeze(0).unwrap().squeeze(0).unwrap();
        let off = worst(&depth, &reference["depth"]);
        assert!(off < 5e-4 * more, "{compute}: {off}");
    }
}

#[test]
fn a_picture_becomes_a_picture_of_the_same_size() {
    let model = Depth::load(&folder("depth"), Machine::cpu(1)).unwrap();
    for (width, height) in [(61, 40), (3, 200), (1, 1)] {
        let picture =
            Picture::new(width, height, (0..width * height * 3).map(|n| (n * 7 % 256) as u8).collect()).unwrap();
        let file = encode(&picture, Format::Png, 90).unwrap();
        let plan = model.plan(PATH, json!({ "image_url": "data:," }).as_object().unwrap()).unwrap();
        let output = plan.run(vec![file], &mut Onlooker::default()).unwrap();
        let (place, made) = &output.files[0];
        let found = decode(&made.bytes, &Limits::default()).unwrap();
        assert_eq!((*place, found.width(), found.height()), (Place::Member("image"), width, height));
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let model = Depth::load(&folder("depth"), Machine::cpu(1)).unwrap();
    let plan = model.plan(PATH, json!({ "image_url": "data:," }).as_object().unwrap()).unwrap();
    let error = plan.run(vec![b"hello".to_vec().into()], &mut Onlooker::default()).unwrap_err();
    assert!(error.to_string().contains("image_url"), "{error}");
    assert!(model.plan(PATH, &Map::new()).is_err());
}
