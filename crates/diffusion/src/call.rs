//! What a call may say: the fields that the hosted picture models have in common.

mod elsewhere;

use serde_json::{Map, Value};
use tintype_engine::{Detail, Fields, Invalid, Size};
use tintype_media::Format;

const LONGEST_PROMPT: usize = 16 << 10;
/// Long enough for a data URI of the largest file.
const LONGEST_URL: usize = 64 << 20;
const MOST_IMAGES: u64 = 8;
const MOST_LORAS: usize = 8;
const SIDES: (u64, u64) = (64, 2048);
const STRONGEST_LORA: f64 = 4.0;
const LONGEST_NAME: usize = 256;

/// A path of a family, and what a call to it gets that does not say otherwise.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Inside the app: `""`, `/image-to-image`.
    pub path: String,
    /// Whether `image_url` must be given; it is not read where it need not.
    pub image: bool,
    /// Whether `mask_url` must be given.
    pub mask: bool,
    pub defaults: Defaults,
}

#[derive(Clone, Debug)]
pub struct Defaults {
    /// Of pictures from nothing; from a picture, its own size is the default.
    pub size: Size,
    /// What both sides must be multiples of: sizes are rounded down to it.
    pub multiple: u32,
    pub steps: u32,
    pub most_steps: u32,
    pub guidance: f64,
    pub most_guidance: f64,
    pub strength: f64,
    /// What the field is called that says the strength.
    pub strength_field: &'static str,
    /// Whether `model_name` must be given.
    pub named: bool,
    pub format: Format,
    /// The names that `scheduler` may have. None: there is nothing to choose.
    pub schedulers: &'static [&'static str],
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            size: Size::PRESETS[0].1,
            multiple: 8,
            steps: 28,
            most_steps: 100,
            guidance: 7.5,
            most_guidance: 20.0,
            strength: 0.95,
            strength_field: "strength",
            named: false,
            format: Format::Jpeg,
            schedulers: &[],
        }
    }
}

/// A LoRA that a call names.
#[derive(Clone, Debug, PartialEq)]
pub struct Lora {
    pub url: String,
    pub scale: f64,
}

/// A call whose input was found good.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub path: String,
    /// Which weights to draw with, where callers choose; the family knows the names.
    pub model: Option<String>,
    pub prompt: String,
    pub negative_prompt: String,
    /// `None` takes the size of the given picture, or else the default.
    pub size: Option<Size>,
    pub steps: u32,
    pub guidance: f64,
    pub seed: u64,
    pub images: u32,
    pub format: Format,
    pub inline: bool,
    pub image_url: Option<String>,
    pub mask_url: Option<String>,
    /// How far to move away from the given picture.
    pub strength: f64,
    pub loras: Vec<Lora>,
    /// Layers of the text encoder that are left out at its end.
    pub clip_skip: u32,
    /// One of `Defaults::schedulers`; `None` takes what the model's own configuration names.
    pub scheduler: Option<&'static str>,
}

/// Reads the input of a call to `endpoint`.
pub fn read(endpoint: &Endpoint, input: &Map<String, Value>) -> Result<Call, Invalid> {
    let fields = &mut Fields::new(input);
    let defaults = &endpoint.defaults;
    fields.require("prompt");
    elsewhere::refuse(fields);
    for (name, required) in [("model_name", defaults.named), ("image_url", endpoint.image), ("mask_url", endpoint.mask)]
    {
        if required {
            fields.require(name);
        }
    }
    let url = |fields: &mut Fields<'_>, name, read| if read { fields.text(name, LONGEST_URL) } else { None };
    let call = Call {
        path: endpoint.path.clone(),
        model: if defaults.named { fields.text("model_name", LONGEST_NAME) } else { None },
        prompt: fields.text("prompt", LONGEST_PROMPT).unwrap_or_default(),
        negative_prompt: fields.text("negative_prompt", LONGEST_PROMPT).unwrap_or_default(),
        size: size(fields),
        steps: whole(fields, "num_inference_steps", (1, defaults.most_steps), defaults.steps),
        guidance: fields.number("guidance_scale", 0.0, defaults.most_guidance).unwrap_or(defaults.guidance),
        seed: fields.whole("seed", 0, u64::MAX).unwrap_or_else(|| u64::from(rand::random::<u32>())),
        images: whole(fields, "num_images", (1, MOST_IMAGES as u32), 1),
        format: format(fields, defaults.format),
        inline: fields.flag("sync_mode").unwrap_or(false),
        image_url: url(fields, "image_url", endpoint.image),
        mask_url: url(fields, "mask_url", endpoint.mask),
        strength: fields.number(defaults.strength_field, 0.01, 1.0).unwrap_or(defaults.strength),
        loras: loras(fields),
        clip_skip: whole(fields, "clip_skip", (0, 10), 0),
        scheduler: scheduler(fields, defaults.schedulers),
    };
    std::mem::replace(fields, Fields::new(input)).finish()?;
    Ok(call)
}

impl Call {
    /// The size to draw. That of a `given` picture is brought within the limits with its proportions.
    pub fn drawn(&self, given: Option<Size>, defaults: &Defaults) -> Size {
        let given = given.map(|Size { width, height }| {
            let share = (SIDES.1 as f64 / f64::from(width.max(height))).min(1.0);
            let side = |side: u32| (f64::from(side) * share) as u32;
            Size { width: side(width), height: side(height) }
        });
        let Size { width, height } = self.size.or(given).unwrap_or(defaults.size);
        let hold = |side: u32| side.clamp(SIDES.0 as u32, SIDES.1 as u32) / defaults.multiple * defaults.multiple;
        Size { width: hold(width), height: hold(height) }
    }
}

fn whole(fields: &mut Fields<'_>, name: &str, (least, most): (u32, u32), default: u32) -> u32 {
    fields.whole(name, least.into(), most.into()).map_or(default, |value| value as u32)
}

/// Some endpoints call it `format` or `image_format`, most `output_format`.
fn format(fields: &mut Fields<'_>, default: Format) -> Format {
    let formats = [Format::Png, Format::Jpeg, Format::Webp, Format::Jpeg];
    let mut read = |name| fields.choice(name, &["png", "jpeg", "webp", "jpg"]).map(|at| formats[at]);
    let found = ["output_format", "format", "image_format"].map(&mut read);
    found.into_iter().flatten().next().unwrap_or(default)
}

fn scheduler(fields: &mut Fields<'_>, known: &'static [&'static str]) -> Option<&'static str> {
    if known.is_empty() {
        return None;
    }
    fields.choice("scheduler", known).map(|at| known[at])
}

/// A side that is not said is as long as that of the hosted models.
const USUAL_SIDE: u32 = 512;

fn size(fields: &mut Fields<'_>) -> Option<Size> {
    // As some endpoints call the size of the given picture.
    if fields.get("image_size").is_some_and(|value| value.as_str() == Some("auto")) {
        return None;
    }
    Size::read(fields, SIDES, Some(USUAL_SIDE))
}

fn loras(fields: &mut Fields<'_>) -> Vec<Lora> {
    let Some(value) = fields.get("loras") else { return Vec::new() };
    let Value::Array(list) = value else {
        fields.reject(Detail::new("loras", "list_type", "Input should be a valid list").found(value));
        return Vec::new();
    };
    if list.len() > MOST_LORAS {
        let message = format!("List should have at most {MOST_LORAS} items, not {}", list.len());
        fields.reject(Detail::new("loras", "too_long", message).with("max_length", MOST_LORAS));
    }
    list.iter().take(MOST_LORAS).enumerate().filter_map(|(at, value)| lora(fields, at, value)).collect()
}

/// `{path, scale}`; findings are about `loras.0.path`.
fn lora(fields: &mut Fields<'_>, at: usize, value: &Value) -> Option<Lora> {
    let Value::Object(object) = value else {
        let message = "Input should be an object with a path and a scale";
        fields.reject(Detail::new(&format!("loras.{at}"), "object_type", message).found(value));
        return None;
    };
    let Some(Value::String(url)) = object.get("path") else {
        let path = format!("loras.{at}.path");
        let detail = match object.get("path") {
            None | Some(Value::Null) => Detail::new(&path, "missing", "Field required").found(value),
            Some(found) => Detail::new(&path, "string_type", "Input should be a valid string").found(found),
        };
        fields.reject(detail);
        return None;
    };
    let inner = &mut Fields::new(object);
    let scale = inner.number("scale", 0.0, STRONGEST_LORA).unwrap_or(1.0);
    if let Err(Invalid(found)) = std::mem::replace(inner, Fields::new(object)).finish() {
        for mut detail in found {
            detail.loc.splice(1..1, [Value::from("loras"), Value::from(at)]);
            fields.reject(detail);
        }
    }
    Some(Lora { url: url.clone(), scale })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(image: bool) -> Endpoint {
        let defaults = Defaults { schedulers: &["Euler", "LCM"], ..Defaults::default() };
        Endpoint { path: String::new(), image, mask: false, defaults }
    }

    fn called(input: &Value) -> Result<Call, Invalid> {
        read(&endpoint(false), input.as_object().unwrap())
    }

    fn refused(input: &Value) -> Vec<(String, String)> {
        let found = called(input).unwrap_err().0;
        found.iter().map(|detail| (Value::from(detail.loc.clone()).to_string(), detail.kind.clone())).collect()
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let call = called(&json!({ "prompt": "a fox", "seed": 3, "image_url": 7 })).unwrap();
        assert_eq!((call.steps, call.images, call.seed, call.scheduler), (28, 1, 3, None));
        assert_eq!(call.drawn(None, &Defaults::default()), Size { width: 1024, height: 1024 });
    }

    #[test]
    fn the_format_has_three_names() {
        assert_eq!(called(&json!({ "prompt": "", "image_format": "jpg" })).unwrap().format, Format::Jpeg);
        assert_eq!(called(&json!({ "prompt": "", "format": "png" })).unwrap().format, Format::Png);
        assert_eq!(called(&json!({ "prompt": "", "output_format": "webp" })).unwrap().format, Format::Webp);
    }

    #[test]
    fn sizes_are_rounded_down_and_pictures_keep_their_proportions() {
        let call = called(&json!({ "prompt": "", "image_size": { "width": 333, "height": null } })).unwrap();
        assert_eq!(call.drawn(None, &Defaults::default()), Size { width: 328, height: 512 });
        let call = called(&json!({ "prompt": "" })).unwrap();
        let drawn = call.drawn(Some(Size { width: 4096, height: 1030 }), &Defaults::default());
        assert_eq!(drawn, Size { width: 2048, height: 512 });
    }

    #[test]
    fn loras_are_read_one_by_one_and_each_fault_is_placed() {
        let call = called(&json!({ "prompt": "", "loras": [{ "path": "https://example.com/a", "scale": "0.5" }] }));
        assert_eq!(call.unwrap().loras, [Lora { url: "https://example.com/a".into(), scale: 0.5 }]);
        let wrong = json!({ "prompt": "", "loras": [{}, { "path": 1 }, 2, { "path": "x", "scale": 9 }] });
        let expected = [
            (r#"["body","loras",0,"path"]"#, "missing"),
            (r#"["body","loras",1,"path"]"#, "string_type"),
            (r#"["body","loras",2]"#, "object_type"),
            (r#"["body","loras",3,"scale"]"#, "less_than_equal"),
        ];
        assert_eq!(refused(&wrong), expected.map(|(place, kind)| (place.to_owned(), kind.to_owned())));
        assert_eq!(refused(&json!({ "prompt": "", "loras": {} }))[0].1, "list_type");
    }

    #[test]
    fn what_is_done_elsewhere_only_is_refused_by_its_name() {
        let found = refused(&json!({ "prompt": "", "unet_name": "x", "sigmas": { "method": "default", "array": [] } }));
        assert_eq!(found, [(r#"["body","unet_name"]"#.to_owned(), "feature_not_supported".to_owned())]);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let wrong =
            json!({ "num_inference_steps": 0, "scheduler": "Heun", "image_size": "vast", "guidance_scale": 99 });
        let kinds: Vec<String> = refused(&wrong).into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, ["missing", "one_of", "greater_than_equal", "less_than_equal", "one_of"]);
        let found = read(&endpoint(true), json!({ "prompt": "" }).as_object().unwrap()).unwrap_err().0;
        assert_eq!(found[0].loc[1], "image_url");
    }
}
