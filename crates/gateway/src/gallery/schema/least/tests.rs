//! Inputs that are made up, of schemas of every kind and of every manifest.

use serde_json::json;
use tintype_catalog::{Catalog, Example, Options, openapi};

use super::*;

fn document(schema: &Value) -> Value {
    json!({"paths": {"/a/b": {"post": {"requestBody": {"content": {"application/json": {
        "schema": schema,
    }}}}}}, "components": {"schemas": {
        "Mode": {"type": "string", "enum": ["fast", "slow"]},
        "Image": {"type": "object", "title": "Image", "required": ["url"], "properties": {"url": {"type": "string"}}},
        "Node": {"type": "object", "required": ["left", "right"], "properties": {
            "left": {"$ref": "#/components/schemas/Node"}, "right": {"$ref": "#/components/schemas/Node"},
        }},
    }}})
}

fn of(schema: &Value) -> Value {
    let document = document(schema);
    least(&document)
}

/// Of a schema all of whose fields are required.
fn of_fields(properties: &Value) -> Value {
    let names: Vec<_> = properties.as_object().unwrap().keys().cloned().collect();
    of(&json!({"required": names, "properties": properties}))
}

#[test]
fn a_field_that_is_required_begins_with_what_its_schema_says_of_it() {
    let schema = json!({"required": ["prompt", "mode", "steps", "name"], "properties": {
        "prompt": {"type": "string", "examples": ["a red circle"]},
        "mode": {"$ref": "#/components/schemas/Mode"},
        "steps": {"type": "integer", "minimum": 1},
        "name": {"type": "string"},
        "seed": {"type": "integer", "default": 7},
    }});
    assert_eq!(of(&schema), json!({"prompt": "a red circle", "mode": "fast", "steps": 1, "name": "string"}));
}

#[test]
fn an_example_of_the_whole_input_comes_before_all() {
    let schema = json!({"required": ["prompt"], "properties": {"prompt": {"type": "string"}},
        "examples": [{"prompt": "two stars", "seed": 7}]});
    assert_eq!(of(&schema), json!({"prompt": "two stars", "seed": 7}));
}

#[test]
fn media_begin_with_an_address_of_their_kind() {
    let made = of_fields(&json!({
        "gif_url": {"type": "string", "ui": {"field": "video"}},
        "audio_urls": {"type": "array", "minItems": 2, "items": {"type": "string"}, "ui": {"field": "audio"}},
        "mask": {"allOf": [{"$ref": "#/components/schemas/Image"}]},
        "picture": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Image"}]},
        "images": {"type": "array", "items": {"type": "object", "required": ["url"],
            "properties": {"url": {"type": "string"}, "frames": {"type": "integer"}}}},
        "images_data_url": {"type": "string", "ui": {"field": "file"}},
        "source_url": {"type": "string"},
    }));
    let at = |name: &str| format!("https://example.com/{name}");
    let expected = json!({
        "gif_url": at("video.mp4"),
        "audio_urls": [at("audio.mp3"), at("audio.mp3")],
        "mask": {"url": at("image.png")},
        "picture": {"url": at("image.png")},
        "images": [{"url": at("image.png")}],
        "images_data_url": at("archive.zip"),
        "source_url": at("file.bin"),
    });
    assert_eq!(made, expected);
}

#[test]
fn numbers_and_words_are_within_their_limits() {
    let made = of_fields(&json!({
        "above": {"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 0.5},
        "over": {"type": "integer", "exclusiveMinimum": 3},
        "below": {"type": "number", "maximum": -6},
        "step": {"type": "integer", "minimum": 9, "multipleOf": 8},
        "short": {"type": "string", "maxLength": 2},
        "long": {"type": "string", "minLength": 8},
    }));
    let expected = json!({"above": 0.25, "over": 4, "below": -6, "step": 16, "short": "st", "long": "stringst"});
    assert_eq!(made, expected);
}

#[test]
fn a_schema_that_asks_for_itself_or_for_very_many_values_ends() {
    let node = json!({"$ref": "#/components/schemas/Node"});
    let many = |items: Value| json!({"type": "array", "minItems": 1_000_000_000, "items": items});
    let made = of_fields(&json!({"node": node, "many": many(many(many(many(json!({"type": "integer"})))))}));
    assert!(made["node"]["left"].is_object() && made.to_string().len() < 1 << 20, "{}", made.to_string().len());
}

/// What is pasted from a page is accepted as the examples of the manifest must be.
#[test]
fn what_is_made_up_for_every_endpoint_of_the_gallery_could_be_sent() {
    let catalog = Catalog::open(&Options::default()).unwrap();
    let site = "http://h".to_owned();
    let addresses = openapi::Addresses { run: site.clone(), queue: site.clone(), site };
    let mut faults = Vec::new();
    for model in catalog.models() {
        for endpoint in &model.endpoints {
            let document = openapi::of_model(&catalog, model, endpoint, &addresses);
            let input = least(&document);
            let example: Example = serde_json::from_value(json!({"title": "made up", "input": input})).unwrap();
            if let Err(fault) = catalog.check_example(model, endpoint, &example) {
                faults.push(format!("{}: {input}: {}", model.app, tintype_domain::with_causes(&fault)));
            }
            for (name, value) in input.as_object().unwrap() {
                assert!(!name.ends_with("_url") || value.as_str().unwrap().starts_with("https://"), "{name}: {value}");
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
