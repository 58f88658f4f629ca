//! `image_size`: the name of a size, or its sides.

use serde_json::Value;

use crate::{Detail, Fields, quoted};

/// Of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    /// The sizes that the hosted models have names for.
    pub const PRESETS: [(&str, Self); 6] = [
        ("square_hd", Self { width: 1024, height: 1024 }),
        ("square", Self { width: 512, height: 512 }),
        ("portrait_4_3", Self { width: 768, height: 1024 }),
        ("portrait_16_9", Self { width: 576, height: 1024 }),
        ("landscape_4_3", Self { width: 1024, height: 768 }),
        ("landscape_16_9", Self { width: 1024, height: 576 }),
    ];

    /// Reads the field: `least` and `most` bound each side; `absent` stands for a side that is not said, which is an
    /// error without it.
    pub fn read(fields: &mut Fields<'_>, (least, most): (u64, u64), absent: Option<u32>) -> Option<Self> {
        let value = fields.get("image_size")?;
        if let Value::Object(object) = value {
            let mut side = |name: &str| {
                let path = format!("image_size.{name}");
                let said = object.get(name).filter(|said| absent.is_none() || !said.is_null());
                if let Some(said) = said {
                    return fields.whole_at(&path, said, least, most).map(|side| side as u32);
                }
                if absent.is_none() {
                    fields.reject(Detail::new(&path, "missing", "Field required").found(value));
                }
                absent
            };
            let (width, height) = (side("width"), side("height"));
            return Some(Self { width: width?, height: height? });
        }
        let preset = Self::PRESETS.iter().find(|(name, _)| value.as_str() == Some(name));
        if preset.is_none() {
            let names = Self::PRESETS.map(|(name, _)| name);
            let message = format!(
                "Input should be one of {}, or an object with width and height from {least} to {most}",
                quoted(&names)
            );
            fields.reject(Detail::new("image_size", "one_of", message).with("expected", names.to_vec()).found(value));
        }
        preset.map(|(_, size)| *size)
    }
}
