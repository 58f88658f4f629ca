//! What was said of the solid that comes next.

use super::super::material::Material;

pub(super) struct Saying {
    pub count: usize,
    pub material: Material,
    pub scale: f32,
    pub stretch: [f32; 3],
}

impl Default for Saying {
    fn default() -> Self {
        Self { count: 1, material: Material::default(), scale: 1.0, stretch: [1.0; 3] }
    }
}

impl Saying {
    pub fn size(&mut self, word: &str) -> bool {
        match word {
            "tiny" => self.scale = 0.25,
            "small" | "little" => self.scale = 0.5,
            "medium" => self.scale = 1.0,
            "large" | "big" => self.scale = 1.75,
            "huge" | "giant" => self.scale = 2.5,
            "tall" | "high" => self.stretch[1] = 2.0,
            "short" | "low" => self.stretch[1] = 0.5,
            "flat" => self.stretch[1] = 0.2,
            "wide" => self.stretch[0] = 2.0,
            "thin" | "narrow" => (self.stretch[0], self.stretch[2]) = (0.4, 0.4),
            "long" | "deep" => self.stretch[2] = 2.0,
            _ => return false,
        }
        true
    }
}
