//! What a call may say, and within which limits.

use serde_json::{Map, Value};
use tintype_media::Format;

use super::network::Defaults;
use crate::{Detail, Invalid, Size, fields::Fields};

const LONGEST_PROMPT: usize = 4096;
/// Long enough for a data URI of the largest file.
const LONGEST_URL: usize = 64 << 20;
const MOST_STEPS: u64 = 50;
const MOST_GUIDANCE: f64 = 20.0;
const MOST_IMAGES: u64 = 4;
const MOST_LORAS: usize = 4;
const MOST_LORA_SCALE: f64 = 4.0;
const STRENGTH: f64 = 0.8;
const SIDES: (u64, u64) = (64, 2048);

/// A call whose input was found good.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub prompt: String,
    pub negative_prompt: String,
    /// `None` takes the size of the given picture, or else the default.
    pub size: Option<Size>,
    pub steps: u32,
    pub guidance: f32,
    pub seed: u64,
    pub images: u32,
    pub format: Format,
    pub inline: bool,
    pub image_url: Option<String>,
    pub mask_url: Option<String>,
    pub strength: f32,
    pub loras: Vec<Lora>,
}

/// A file of adapters, and how much of it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lora {
    pub path: String,
    pub scale: f32,
}

impl Call {
    pub const DEFAULT_SIZE: Size = Size::PRESETS[1].1;
}

/// `path` decides which pictures must be given; they may be given to any.
pub(super) fn read(path: &str, input: &Map<String, Value>, defaults: Defaults) -> Result<Call, Invalid> {
    let fields = &mut Fields::new(input);
    let (image, mask) = match path {
        "/image-to-image" => (true, false),
        "/inpainting" | "/inpaint" => (true, true),
        _ => (false, false),
    };
    fields.require("prompt");
    // A mask says nothing without the picture that it is for.
    if image || fields.get("mask_url").is_some() {
        fields.require("image_url");
    }
    if mask {
        fields.require("mask_url");
    }
    let formats = [Format::Png, Format::Jpeg, Format::Webp, Format::Jpeg];
    let call = Call {
        prompt: fields.text("prompt", LONGEST_PROMPT).unwrap_or_default(),
        negative_prompt: fields.text("negative_prompt", LONGEST_PROMPT).unwrap_or_default(),
        size: Size::read(fields, SIDES, None),
        steps: fields.whole("num_inference_steps", 1, MOST_STEPS).map_or(defaults.steps, |steps| steps as u32),
        guidance: fields.number("guidance_scale", 1.0, MOST_GUIDANCE).map_or(defaults.guidance, |scale| scale as f32),
        seed: fields.whole("seed", 0, u64::MAX).unwrap_or_else(|| u64::from(rand::random::<u32>())),
        images: fields.whole("num_images", 1, MOST_IMAGES).map_or(1, |count| count as u32),
        format: fields.choice("output_format", &["png", "jpeg", "webp", "jpg"]).map_or(Format::Png, |at| formats[at]),
        inline: fields.flag("sync_mode").unwrap_or(false),
        image_url: fields.text("image_url", LONGEST_URL),
        mask_url: fields.text("mask_url", LONGEST_URL),
        strength: fields.number("strength", 0.0, 1.0).unwrap_or(STRENGTH) as f32,
        loras: loras(fields),
    };
    std::mem::replace(fields, Fields::new(input)).finish()?;
    Ok(call)
}

fn loras(fields: &mut Fields<'_>) -> Vec<Lora> {
    let Some(value) = fields.get("loras") else { return Vec::new() };
    let Value::Array(items) = value else {
        fields.reject(Detail::new("loras", "list_type", "Input should be a valid list").found(value));
        return Vec::new();
    };
    if items.len() > MOST_LORAS {
        let message = format!("List should have at most {MOST_LORAS} items, not {}", items.len());
        fields.reject(Detail::new("loras", "sequence_too_long", message).with("max_length", MOST_LORAS));
        return Vec::new();
    }
    items.iter().enumerate().filter_map(|(at, item)| lora(fields, at, item)).collect()
}

fn lora(fields: &mut Fields<'_>, at: usize, item: &Value) -> Option<Lora> {
    let (place, path) = (format!("loras.{at}"), format!("loras.{at}.path"));
    let Value::Object(object) = item else {
        let message = "Input should be an object with `path` and, if wanted, `scale`";
        fields.reject(Detail::new(&place, "model_attributes_type", message).found(item));
        return None;
    };
    let scale = match object.get("scale").filter(|scale| !scale.is_null()) {
        Some(scale) => fields.number_at(&format!("{place}.scale"), scale, 0.0, MOST_LORA_SCALE)?,
        None => 1.0,
    };
    match object.get("path") {
        None | Some(Value::Null) => fields.reject(Detail::new(&path, "missing", "Field required").found(item)),
        Some(Value::String(text)) if text.len() <= LONGEST_URL => {
            return Some(Lora { path: text.clone(), scale: scale as f32 });
        }
        Some(other) => {
            fields.reject(Detail::new(&path, "string_type", "Input should be the address of a file").found(other));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEFAULTS: Defaults = Defaults { steps: 24, guidance: 3.0 };

    fn call(path: &str, input: &Value) -> Result<Call, Invalid> {
        read(path, input.as_object().unwrap(), DEFAULTS)
    }

    fn refused(path: &str, input: &Value) -> Value {
        json!(call(path, input).unwrap_err().0)
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let call = call("", &json!({ "prompt": "a red circle", "seed": 7, "unknown": 1 })).unwrap();
        assert_eq!((call.steps, call.images, call.size, call.format), (24, 1, None, Format::Png));
        assert!((call.guidance - 3.0).abs() < 1e-6 && !call.inline && call.seed == 7);
    }

    #[test]
    fn sizes_are_presets_or_sides_within_limits() {
        let size = |size: Value| call("", &json!({ "prompt": "", "image_size": size })).map(|call| call.size.unwrap());
        assert_eq!(size(json!("landscape_16_9")).unwrap(), Size { width: 1024, height: 576 });
        assert_eq!(size(json!({ "width": 64, "height": 2048 })).unwrap(), Size { width: 64, height: 2048 });
        let wrong = json!(size(json!({ "width": 63, "height": 4096 })).unwrap_err().0);
        assert_eq!((&wrong[0]["loc"], &wrong[0]["ctx"]["ge"]), (&json!(["body", "image_size", "width"]), &json!(64)));
        assert_eq!((&wrong[1]["loc"][2], &wrong[1]["ctx"]["le"]), (&json!("height"), &json!(2048)));
        assert_eq!(json!(size(json!({ "width": 64 })).unwrap_err().0)[0]["type"], "missing");
        assert_eq!(json!(size(json!("huge")).unwrap_err().0)[0]["type"], "one_of");
    }

    #[test]
    fn each_path_requires_its_pictures() {
        assert_eq!(refused("", &json!({}))[0]["loc"], json!(["body", "prompt"]));
        let prompt = json!({ "prompt": "x" });
        assert_eq!(refused("/image-to-image", &prompt)[0]["loc"][1], "image_url");
        assert_eq!(refused("/inpainting", &prompt).as_array().unwrap().len(), 2);
        assert_eq!(refused("", &json!({ "prompt": "x", "mask_url": "data:," }))[0]["loc"][1], "image_url");
    }

    #[test]
    fn loras_have_a_path_and_a_scale_and_their_faults_are_found_where_they_are() {
        let loras = json!([{ "path": "https://h/a.safetensors" }, { "path": "data:,", "scale": "0.5" }]);
        let call = call("", &json!({ "prompt": "", "loras": loras })).unwrap();
        let scales: Vec<f32> = call.loras.iter().map(|lora| lora.scale).collect();
        assert!(call.loras[1].path == "data:," && scales == [1.0, 0.5]);
        let wrong = json!([{ "scale": 1 }, { "path": 7 }, { "path": "x", "scale": 9 }, "x"]);
        let found = refused("", &json!({ "prompt": "", "loras": wrong }));
        let kinds: Vec<&Value> = found.as_array().unwrap().iter().map(|detail| &detail["type"]).collect();
        assert_eq!(kinds, ["missing", "string_type", "less_than_equal", "model_attributes_type"]);
        assert_eq!(found[2]["loc"], json!(["body", "loras", 2, "scale"]));
        assert_eq!(refused("", &json!({ "prompt": "", "loras": vec![0; 5] }))[0]["ctx"]["max_length"], 4);
    }

    #[test]
    fn a_seed_is_drawn_when_none_is_given() {
        let seeds: Vec<u64> = (0..3).map(|_| call("", &json!({ "prompt": "" })).unwrap().seed).collect();
        assert!(seeds[0] != seeds[1] || seeds[1] != seeds[2]);
    }
}
