//! Colours as people write them.

use serde_json::Value;

/// Red, green, blue, and how much of it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour(pub [u8; 4]);

const NAMED: [(&str, [u8; 3]); 24] = [
    ("black", [0, 0, 0]),
    ("white", [255, 255, 255]),
    ("gray", [128, 128, 128]),
    ("grey", [128, 128, 128]),
    ("silver", [192, 192, 192]),
    ("red", [255, 0, 0]),
    ("lime", [0, 255, 0]),
    ("green", [0, 128, 0]),
    ("blue", [0, 0, 255]),
    ("yellow", [255, 255, 0]),
    ("cyan", [0, 255, 255]),
    ("aqua", [0, 255, 255]),
    ("magenta", [255, 0, 255]),
    ("fuchsia", [255, 0, 255]),
    ("orange", [255, 165, 0]),
    ("purple", [128, 0, 128]),
    ("pink", [255, 192, 203]),
    ("brown", [165, 42, 42]),
    ("maroon", [128, 0, 0]),
    ("navy", [0, 0, 128]),
    ("teal", [0, 128, 128]),
    ("olive", [128, 128, 0]),
    ("gold", [255, 215, 0]),
    ("indigo", [75, 0, 130]),
];

impl Colour {
    pub const BLACK: Self = Self([0, 0, 0, 255]);
    pub const WHITE: Self = Self([255; 4]);
    pub const GREY: Self = Self([128, 128, 128, 255]);
    pub const FORMS: &str = "a CSS name like 'white' or 'transparent', '#rgb', '#rrggbb', '#rrggbbaa', or an object of r, g and b (0 to 255)";

    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Object(parts) => {
                let part = |name: &str| match parts.get(name) {
                    None | Some(Value::Null) => Some(128),
                    Some(value) => value.as_u64().and_then(|value| u8::try_from(value).ok()),
                };
                Some(Self([part("r")?, part("g")?, part("b")?, 255]))
            }
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text == "transparent" {
            return Some(Self([0; 4]));
        }
        if let Some(digits) = text.strip_prefix('#') {
            return Self::hexadecimal(digits);
        }
        let found = NAMED.iter().find(|(name, _)| *name == text);
        found.map(|(_, [red, green, blue])| Self([*red, *green, *blue, 255]))
    }

    fn hexadecimal(digits: &str) -> Option<Self> {
        let digits: Vec<u8> =
            digits.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
        let mut colour = [255; 4];
        match digits.len() {
            3 | 4 => digits.iter().zip(&mut colour).for_each(|(digit, part)| *part = digit * 17),
            6 | 8 => digits.chunks(2).zip(&mut colour).for_each(|(pair, part)| *part = pair[0] * 16 + pair[1]),
            _ => return None,
        }
        Some(Self(colour))
    }

    pub fn rgb(self) -> [u8; 3] {
        [self.0[0], self.0[1], self.0[2]]
    }

    #[must_use]
    pub fn faded(self, opacity: f32) -> Self {
        let [red, green, blue, alpha] = self.0;
        Self([red, green, blue, (f32::from(alpha) * opacity).round() as u8])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_is_read() {
        let read = |value: Value| Colour::read(&value).map(|colour| colour.0);
        assert_eq!(read(json!("White")), Some([255; 4]));
        assert_eq!(read(json!("#0f8")), Some([0, 255, 136, 255]));
        assert_eq!(read(json!("#01020304")), Some([1, 2, 3, 4]));
        assert_eq!(read(json!("transparent")), Some([0; 4]));
        assert_eq!(read(json!({"r": 1, "g": 2})), Some([1, 2, 128, 255]));
    }

    #[test]
    fn what_is_no_colour_is_none() {
        for wrong in
            [json!("#12"), json!("#ggg"), json!("#é1"), json!("blurple"), json!({"r": 256}), json!(7), json!("")]
        {
            assert_eq!(Colour::read(&wrong), None, "{wrong}");
        }
    }
}
