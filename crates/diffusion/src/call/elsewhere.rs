//! What some hosted models take and none here does: a picture without it would not be the one that was asked for.

use serde_json::Value;
use tintype_engine::{Detail, Fields};

/// Each with the value that changes nothing; where there is none, only an empty one does not.
const ELSEWHERE: [(&str, Option<&str>); 24] = [
    ("controlnet", None),
    ("controlnets", None),
    ("easycontrols", None),
    ("embeddings", None),
    ("enable_prompt_expansion", Some("false")),
    ("eta", Some("0")),
    ("expand_prompt", Some("false")),
    ("ic_light_image_url", None),
    ("ic_light_model_background_image_url", None),
    ("ic_light_model_url", None),
    ("image_encoder_path", None),
    ("ip_adapter", None),
    ("ip_adapters", None),
    ("prediction_type", Some("epsilon")),
    ("prompt_weighting", Some("false")),
    ("rescale_betas_snr_zero", Some("false")),
    ("sigmas", Some("default")),
    ("tile_height", Some("4096")),
    ("tile_stride_height", Some("2048")),
    ("tile_stride_width", Some("2048")),
    ("tile_width", Some("4096")),
    ("timesteps", Some("default")),
    ("unet_name", None),
    ("variant", None),
];

pub(super) fn refuse(fields: &mut Fields<'_>) {
    for (name, usual) in ELSEWHERE {
        let Some(value) = fields.get(name) else { continue };
        if asks(value, usual) {
            let but = usual.map_or_else(String::new, |usual| format!(" other than {usual}"));
            let message = format!("This server's models do not take `{name}`{but}: leave it out");
            fields.reject(Detail::new(name, "feature_not_supported", message).found(value));
        }
    }
}

fn asks(value: &Value, usual: Option<&str>) -> bool {
    let is_usual = |text: &str| usual.is_some_and(|usual| same(text, usual));
    match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        // A schedule of one's own: `{"method": "default", "array": []}` is none.
        Value::Object(object) => object.iter().any(|(name, part)| match name.as_str() {
            "method" => asks(part, usual),
            _ => asks(part, None),
        }),
        Value::String(text) => !text.is_empty() && !is_usual(text),
        Value::Bool(_) | Value::Number(_) => !is_usual(&value.to_string()),
    }
}

/// Numbers have several spellings.
fn same(text: &str, usual: &str) -> bool {
    let numbers = text.parse::<f64>().ok().zip(usual.parse::<f64>().ok());
    text == usual || numbers.is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(input: &Value) -> Vec<(String, String)> {
        let mut fields = Fields::new(input.as_object().unwrap());
        refuse(&mut fields);
        let found = fields.finish().map_or_else(|invalid| invalid.0, |()| Vec::new());
        found.iter().map(|detail| (detail.loc[1].as_str().unwrap().to_owned(), detail.msg.clone())).collect()
    }

    #[test]
    fn what_would_change_the_picture_and_is_not_done_here_is_refused() {
        let wrong = json!({
            "controlnets": [{ "path": "x" }], "controlnet": true, "unet_name": "x", "variant": "fp16", "eta": 0.5,
            "prediction_type": "v_prediction", "rescale_betas_snr_zero": true, "prompt_weighting": "true",
            "tile_width": 512, "enable_prompt_expansion": true, "ip_adapter": { "path": "" , "scale": 1 },
        });
        let names: Vec<String> = refused(&wrong).into_iter().map(|(name, _)| name).collect();
        let mut expected: Vec<&String> = wrong.as_object().unwrap().keys().collect();
        expected.sort();
        assert_eq!(names.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_values_of_hosted_models_that_nobody_changed_ask_for_nothing() {
        let usual = json!({
            "controlnets": [], "embeddings": [], "ip_adapter": [], "unet_name": "", "variant": null, "eta": 0,
            "prediction_type": "epsilon", "rescale_betas_snr_zero": false, "prompt_weighting": "false",
            "expand_prompt": false, "tile_width": 4096.0, "tile_stride_height": "2048",
            "timesteps": { "method": "default", "array": [] }, "sigmas": { "array": null },
        });
        assert_eq!(refused(&usual), []);
        assert_eq!(refused(&json!({ "eta": "0.0", "timesteps": {} })), []);
    }

    #[test]
    fn schedules_of_ones_own_are_refused_and_the_error_says_what_may_stay() {
        let wrong = json!({
            "sigmas": { "method": "default", "array": [1.0, 0.5] }, "timesteps": { "method": "array", "array": [] },
        });
        let found = refused(&wrong);
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["sigmas", "timesteps"]);
        assert_eq!(refused(&json!({ "sigmas": [1.0] })).len(), 1);
        let (_, message) = &refused(&json!({ "eta": 1 }))[0];
        assert_eq!(message, "This server's models do not take `eta` other than 0: leave it out");
    }
}
