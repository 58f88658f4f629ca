//! What the model's page says is what the model does.

use tintype_engine::{
    Model,
    sketch::{Defaults, Sketch, SketchVideo},
};

#[test]
fn the_manifest_names_the_defaults_and_paths_that_hold() {
    let sketch = Sketch::load(Some(1)).unwrap();
    check("sketch", sketch.network().defaults(), &sketch.paths());
}

#[test]
fn the_manifest_of_the_video_model_names_the_defaults_and_paths_that_hold() {
    let video = SketchVideo::load(Some(1)).unwrap();
    check("sketch-video", video.network().defaults(), &video.paths());
}

fn check(folder: &str, defaults: Defaults, paths: &[String]) {
    let path = format!("{}/../../models/{folder}/model.toml", env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let default = |name: &str| {
        let fields = manifest["fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["name"].as_str() == Some(name)).unwrap();
        field["default"].as_float().or_else(|| field["default"].as_integer().map(|number| number as f64)).unwrap()
    };
    assert!((default("num_inference_steps") - f64::from(defaults.steps)).abs() < 1e-6);
    assert!((default("guidance_scale") - f64::from(defaults.guidance)).abs() < 1e-6);
    for endpoint in manifest["endpoints"].as_array().unwrap() {
        assert!(paths.iter().any(|path| endpoint["path"].as_str() == Some(path)), "{endpoint}");
    }
}
