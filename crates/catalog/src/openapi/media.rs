//! The schemas of what endpoints take and give besides plain values: files of each kind, and LoRAs.

use serde_json::{Map, Value, json};

/// All of them, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let all =
        [("File", file()), ("Image", image()), ("VideoFile", video()), ("AudioFile", audio()), ("LoraWeight", lora())];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn file() -> Value {
    object("File", &[])
}

fn image() -> Value {
    object(
        "Image",
        &[("width", integer("Pixels from left to right.")), ("height", integer("Pixels from top to bottom."))],
    )
}

fn video() -> Value {
    object(
        "VideoFile",
        &[
            ("width", integer("Pixels from left to right.")),
            ("height", integer("Pixels from top to bottom.")),
            ("fps", number("Pictures in a second.")),
            ("duration", number("Length in seconds.")),
            ("num_frames", integer("How many pictures there are.")),
        ],
    )
}

fn audio() -> Value {
    object(
        "AudioFile",
        &[
            ("duration", number("Length in seconds.")),
            ("sample_rate", integer("Samples in a second.")),
            ("channels", integer("1 for mono, 2 for stereo.")),
        ],
    )
}

fn lora() -> Value {
    json!({
        "type": "object",
        "title": "LoraWeight",
        "required": ["path"],
        "properties": {
            "path": {"type": "string", "title": "Path", "description": "Where the LoRA's file of safetensors is: an address or a data URI."},
            "scale": {"type": "number", "title": "Scale", "description": "How strongly it changes the model.", "minimum": 0, "maximum": 4, "default": 1},
        },
        "x-fal-order-properties": ["path", "scale"],
    })
}

fn object(title: &str, more: &[(&str, Value)]) -> Value {
    let common = [
        ("url", json!({"type": "string", "description": "Where the file can be downloaded."})),
        ("content_type", json!({"type": "string", "nullable": true, "description": "Its media type."})),
        (
            "file_name",
            json!({"type": "string", "nullable": true, "description": "Its name, as a download would be called."}),
        ),
        ("file_size", json!({"type": "integer", "nullable": true, "description": "Its size in bytes."})),
    ];
    let properties: Map<_, _> = common.iter().chain(more).map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
    let order: Vec<_> = properties.keys().cloned().collect();
    json!({
        "type": "object",
        "title": title,
        "required": ["url"],
        "properties": properties,
        "x-fal-order-properties": order,
    })
}

fn integer(description: &str) -> Value {
    json!({"type": "integer", "nullable": true, "description": description})
}

fn number(description: &str) -> Value {
    json!({"type": "number", "nullable": true, "description": description})
}
