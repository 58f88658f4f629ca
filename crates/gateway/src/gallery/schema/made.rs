//! Values of plain kinds of which a schema says nothing more: made up, and within its limits.

use serde_json::Value;

/// What an address leads to, by a word of the field's name.
const FILES: [(&str, &str); 8] = [
    ("archive", "archive.zip"),
    ("data_url", "archive.zip"),
    ("media", "video.mp4"),
    ("mask", "mask.png"),
    ("image", "image.png"),
    ("video", "video.mp4"),
    ("audio", "audio.mp3"),
    ("lora", "lora.safetensors"),
];

/// The least number that is allowed, from nought on where nothing is said.
pub(super) fn number(field: &Value) -> Value {
    let (least, most) = (field["minimum"].as_f64(), field["maximum"].as_f64());
    let (above, most) = match (&field["exclusiveMinimum"], most) {
        (Value::Bool(true), most) => (least, most),
        (above, most) => (above.as_f64(), most),
    };
    let is_whole = field["type"] == "integer";
    let mut found = match (above, most) {
        (Some(above), Some(most)) if above + 1.0 > most && !is_whole => f64::midpoint(above, most),
        (Some(above), _) => above.floor() + 1.0,
        (None, _) => least.unwrap_or(0.0).min(most.unwrap_or(f64::MAX)),
    };
    if let Some(step) = field["multipleOf"].as_f64().filter(|step| *step > 0.0) {
        found = (found / step).ceil() * step;
    }
    if found.fract() == 0.0 && found.abs() < 1e15 { (found as i64).into() } else { found.into() }
}

/// An address for what is one by its name, and a word for all else. `names` are the field's own and those around it.
pub(super) fn text(field: &Value, names: &[String]) -> Value {
    if is_address(field, names) {
        return address(names).into();
    }
    let length = |member: &str| field[member].as_u64().and_then(|length| usize::try_from(length).ok());
    let least = length("minLength").unwrap_or(0).min(1000);
    let most = length("maxLength").unwrap_or(usize::MAX);
    "string".chars().cycle().take(least.max(6).min(most)).collect::<String>().into()
}

fn is_address(field: &Value, names: &[String]) -> bool {
    let Some(last) = names.last() else { return false };
    let last = last.to_ascii_lowercase();
    let is_file_of_lora = last == "path" && names.iter().any(|name| name.to_ascii_lowercase().contains("lora"));
    let is_widget = super::least::MEDIA.contains(&last.as_str());
    let is_named = ["url", "urls", "uri"].iter().any(|end| last.ends_with(end));
    is_file_of_lora || is_widget || is_named || field["format"] == "uri"
}

fn address(names: &[String]) -> String {
    let names = names.iter().rev().map(|name| name.to_ascii_lowercase());
    let file =
        names.filter_map(|name| FILES.iter().find(|(word, _)| name.contains(word))).map(|(_, file)| *file).next();
    format!("https://example.com/{}", file.unwrap_or("file.bin"))
}
