//! What a call may say, and within which limits.

use serde_json::{Map, Value};
use tintype_programs::video::Container;

use crate::{Invalid, fields::Fields, sketch::network::Defaults};

const LONGEST_PROMPT: usize = 4096;
const FRAMES: usize = 16;
const FRAME_LIMITS: (u64, u64) = (2, 24);
// Times of a GIF are whole hundredths of a second.
const RATE: u32 = 10;
const MOST_RATE: u64 = 30;
const MOST_STEPS: u64 = 50;
const MOST_GUIDANCE: f64 = 20.0;

/// A call whose input was found good.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub prompt: String,
    pub negative_prompt: String,
    pub frames: usize,
    /// Frames a second.
    pub rate: u32,
    pub steps: u32,
    pub guidance: f32,
    pub seed: u64,
    pub container: Container,
    pub inline: bool,
}

pub(super) fn read(input: &Map<String, Value>, defaults: Defaults) -> Result<Call, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("prompt");
    let containers = [Container::Mp4, Container::Webp, Container::Gif];
    let call = Call {
        prompt: fields.text("prompt", LONGEST_PROMPT).unwrap_or_default(),
        negative_prompt: fields.text("negative_prompt", LONGEST_PROMPT).unwrap_or_default(),
        frames: fields.whole("num_frames", FRAME_LIMITS.0, FRAME_LIMITS.1).map_or(FRAMES, |count| count as usize),
        rate: fields.whole("frames_per_second", 1, MOST_RATE).map_or(RATE, |rate| rate as u32),
        steps: fields.whole("num_inference_steps", 1, MOST_STEPS).map_or(defaults.steps, |steps| steps as u32),
        guidance: fields.number("guidance_scale", 1.0, MOST_GUIDANCE).map_or(defaults.guidance, |scale| scale as f32),
        seed: fields.whole("seed", 0, u64::MAX).unwrap_or_else(|| u64::from(rand::random::<u32>())),
        container: fields.choice("output_format", &["mp4", "webp", "gif"]).map_or(Container::Mp4, |at| containers[at]),
        inline: fields.flag("sync_mode").unwrap_or(false),
    };
    fields.finish()?;
    Ok(call)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEFAULTS: Defaults = Defaults { steps: 24, guidance: 2.0 };

    fn call(input: &Value) -> Result<Call, Invalid> {
        read(input.as_object().unwrap(), DEFAULTS)
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let read = call(&json!({ "prompt": "a star", "seed": 7, "num_frames": null })).unwrap();
        let expected = Call {
            prompt: "a star".into(),
            negative_prompt: String::new(),
            frames: 16,
            rate: 10,
            steps: 24,
            guidance: 2.0,
            seed: 7,
            container: Container::Mp4,
            inline: false,
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn the_manifest_tells_the_same_limits() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sketch-video/model.toml");
        let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        let told = |name: &str| {
            let fields = manifest["fields"].as_array().unwrap();
            let field = fields.iter().find(|field| field["name"].as_str() == Some(name)).unwrap();
            ["minimum", "maximum", "default"].map(|limit| field[limit].as_integer().unwrap() as u64)
        };
        assert_eq!(told("num_frames"), [FRAME_LIMITS.0, FRAME_LIMITS.1, FRAMES as u64]);
        assert_eq!(told("frames_per_second"), [1, MOST_RATE, u64::from(RATE)]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let input = json!({
            "num_frames": 1, "frames_per_second": 0, "num_inference_steps": 51, "guidance_scale": 0.5, "seed": -1,
            "output_format": "avi", "sync_mode": "perhaps", "negative_prompt": [],
        });
        let found = json!(call(&input).unwrap_err().0);
        let named: Vec<_> = found.as_array().unwrap().iter().map(|one| one["loc"][1].as_str().unwrap()).collect();
        let order = [
            "prompt",
            "negative_prompt",
            "num_frames",
            "frames_per_second",
            "num_inference_steps",
            "guidance_scale",
            "seed",
            "output_format",
            "sync_mode",
        ];
        assert_eq!(named, order);
    }

    #[test]
    fn numbers_beyond_any_machine_are_refused() {
        for input in [json!({ "prompt": "a", "num_frames": 1e300 }), json!({ "prompt": "a", "num_frames": 16.5 })] {
            assert_eq!(call(&input).unwrap_err().0.len(), 1);
        }
    }
}
