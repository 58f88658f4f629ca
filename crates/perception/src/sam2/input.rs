//! What a call may say.

use serde_json::{Map, Value};
use tintype_engine::{Detail, Fields, Invalid};
use tintype_media::Format;

use super::everything::Wishes;

/// Long enough for a data URI of the largest picture.
const LONGEST_URL: usize = 64 << 20;
const MOST_PROMPTS: usize = 256;
const MOST_PIXELS: f64 = 65_535.0;

#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub is_there: bool,
}

/// An object to be found, in the pixels of the picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    pub id: Option<u64>,
    /// With their places in the input.
    pub points: Vec<(usize, Point)>,
    /// Left, top, right, bottom.
    pub area: Option<(usize, [f64; 4])>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub image_url: String,
    pub objects: Vec<Asked>,
    pub apply: bool,
    pub format: Format,
    pub inline: bool,
}

pub fn read(input: &Map<String, Value>) -> Result<Call, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("image_url");
    let image_url = fields.text("image_url", LONGEST_URL).unwrap_or_default();
    let mut objects = Vec::new();
    for (n, item) in items(&mut fields, "prompts").into_iter().enumerate() {
        point(&mut fields, n, item, &mut objects);
    }
    for (n, item) in items(&mut fields, "box_prompts").into_iter().enumerate() {
        area(&mut fields, n, item, &mut objects);
    }
    let formats = [Format::Png, Format::Jpeg, Format::Webp];
    let call = Call {
        image_url,
        apply: fields.flag("apply_mask").unwrap_or(false),
        format: fields.choice("output_format", &["png", "jpeg", "webp"]).map_or(Format::Png, |at| formats[at]),
        inline: fields.flag("sync_mode").unwrap_or(false),
        objects,
    };
    fields.finish()?;
    if call.objects.is_empty() {
        let message = "Say where the object is: give at least one point in prompts or one box in box_prompts";
        return Err(Detail::new("prompts", "missing", message).into());
    }
    Ok(call)
}

/// A call that asks for all that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Everything {
    pub image_url: String,
    pub wishes: Wishes,
    pub format: Format,
    pub inline: bool,
}

pub fn read_everything(input: &Map<String, Value>) -> Result<Everything, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("image_url");
    let wishes = Wishes {
        points_per_side: fields.whole("points_per_side", 1, 64).unwrap_or(32) as usize,
        least_quality: fields.number("pred_iou_thresh", 0.0, 1.0).unwrap_or(0.88) as f32,
        least_stability: fields.number("stability_score_thresh", 0.0, 1.0).unwrap_or(0.95) as f32,
        least_area: fields.whole("min_mask_region_area", 0, u64::from(u32::MAX)).unwrap_or(100) as usize,
    };
    let call = Everything {
        image_url: fields.text("image_url", LONGEST_URL).unwrap_or_default(),
        wishes,
        format: fields
            .choice("output_format", &["png", "jpeg"])
            .map_or(Format::Png, |at| [Format::Png, Format::Jpeg][at]),
        inline: fields.flag("sync_mode").unwrap_or(false),
    };
    fields.finish()?;
    Ok(call)
}

fn items<'a>(fields: &mut Fields<'a>, name: &str) -> Vec<&'a Map<String, Value>> {
    let Some(value) = fields.get(name) else { return Vec::new() };
    let Value::Array(items) = value else {
        fields.reject(Detail::new(name, "list_type", "Input should be a valid list").found(value));
        return Vec::new();
    };
    if !fields.counted(name, items.len(), (0, MOST_PROMPTS)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (n, item) in items.iter().enumerate() {
        if let Value::Object(item) = item {
            found.push(item);
        } else {
            let place = format!("{name}.{n}");
            fields.reject(Detail::new(&place, "dict_type", "Input should be an object").found(item));
        }
    }
    found
}

/// Reads the members of one prompt; what is wrong is told with its whole place.
fn members<T>(
    fields: &mut Fields<'_>,
    path: &str,
    item: &Map<String, Value>,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Option<T> {
    let mut own = Fields::new(item);
    let found = read(&mut own);
    let Err(Invalid(details)) = own.finish() else { return found };
    for mut detail in details {
        let inner: Vec<Value> = detail.loc.drain(1..).collect();
        detail.loc.extend(path.split('.').map(|part| part.parse::<u64>().map_or_else(|_| part.into(), Value::from)));
        detail.loc.extend(inner);
        fields.reject(detail);
    }
    None
}

/// Points that name no object are all of the first.
fn point(fields: &mut Fields<'_>, n: usize, item: &Map<String, Value>, objects: &mut Vec<Asked>) {
    let found = members(fields, &format!("prompts.{n}"), item, |own| {
        own.require("x");
        own.require("y");
        own.whole("frame_index", 0, 0);
        let (x, y) = (own.number("x", 0.0, MOST_PIXELS), own.number("y", 0.0, MOST_PIXELS));
        let (label, id) = (own.whole("label", 0, 1).unwrap_or(1), own.whole("object_id", 0, u64::from(u32::MAX)));
        Some((Point { x: x?, y: y?, is_there: label == 1 }, id))
    });
    let Some((point, id)) = found else { return };
    match objects.iter_mut().find(|object| object.id == id) {
        Some(object) => object.points.push((n, point)),
        None => objects.push(Asked { id, points: vec![(n, point)], area: None }),
    }
}

/// A box that names no object is of the first where that has none yet, and otherwise an object of its own.
fn area(fields: &mut Fields<'_>, n: usize, item: &Map<String, Value>, objects: &mut Vec<Asked>) {
    let found = members(fields, &format!("box_prompts.{n}"), item, |own| {
        own.whole("frame_index", 0, 0);
        let sides = ["x_min", "y_min", "x_max", "y_max"].map(|name| {
            own.require(name);
            own.number(name, 0.0, MOST_PIXELS)
        });
        let id = own.whole("object_id", 0, u64::from(u32::MAX));
        let [left, top, right, bottom] = sides;
        let area = [left?, top?, right?, bottom?];
        if area[0] >= area[2] || area[1] >= area[3] {
            let message = "A box has x_min below x_max and y_min below y_max";
            own.reject(Detail::new("x_min", "value_error", message));
        }
        Some((area, id))
    });
    let Some((area, id)) = found else { return };
    let same = objects.iter_mut().find(|object| object.id == id && (id.is_some() || object.area.is_none()));
    match same {
        Some(object) if object.area.is_none() => object.area = Some((n, area)),
        Some(_) => {
            let message = "An object can have one box: give other boxes other object ids";
            fields.reject(Detail::new(&format!("box_prompts.{n}.object_id"), "value_error", message));
        }
        None => objects.push(Asked { id, points: Vec::new(), area: Some((n, area)) }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn objects(input: &Value) -> Vec<Asked> {
        read(input.as_object().unwrap()).unwrap().objects
    }

    #[test]
    fn prompts_of_one_object_belong_together() {
        let found = objects(&json!({ "image_url": "data:,",
            "prompts": [{"x": 1, "y": 2}, {"x": "3", "y": 4, "label": "0"}, {"x": 5, "y": 6, "object_id": 7}],
            "box_prompts": [{"x_min": 0, "y_min": 0, "x_max": 9, "y_max": 9},
                            {"x_min": 1, "y_min": 1, "x_max": 9, "y_max": 9},
                            {"x_min": 2, "y_min": 2, "x_max": 9, "y_max": 9, "object_id": 7}] }));
        let told: Vec<_> = found.iter().map(|o| (o.id, o.points.len(), o.area.map(|(n, _)| n))).collect();
        assert_eq!(told, [(None, 2, Some(0)), (Some(7), 1, Some(2)), (None, 0, Some(1))]);
        assert!(!found[0].points[1].1.is_there);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let refused = |input: Value| read(input.as_object().unwrap()).unwrap_err().0;
        let found = refused(json!({ "image_url": "data:,", "prompts": [{"x": 1, "y": 2}, {"x": "a"}] }));
        let places: Vec<Value> = found.iter().map(|detail| detail.loc.clone().into()).collect();
        assert_eq!(places, [json!(["body", "prompts", 1, "y"]), json!(["body", "prompts", 1, "x"])]);
        assert_eq!(refused(json!({ "image_url": "data:," }))[0].loc[1], "prompts");
        assert_eq!(refused(json!({ "image_url": "data:,", "prompts": 5 }))[0].kind, "list_type");
        let turned = json!([{"x_min": 9, "y_min": 0, "x_max": 9, "y_max": 9}]);
        assert_eq!(refused(json!({ "image_url": "data:,", "box_prompts": turned }))[0].loc[1], "box_prompts");
    }
}
