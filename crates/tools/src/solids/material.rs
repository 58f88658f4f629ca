//! Colours and surfaces.

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Material {
    /// Red, green and blue as screens mean them.
    pub colour: [u8; 3],
    pub colour_name: &'static str,
    pub surface: Surface,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Surface {
    Plain,
    Matte,
    Glossy,
    Metal,
    Glass,
}

const COLOURS: [(&str, [u8; 3]); 18] = [
    ("red", [214, 40, 40]),
    ("orange", [247, 127, 0]),
    ("yellow", [252, 203, 40]),
    ("green", [56, 150, 62]),
    ("blue", [38, 84, 204]),
    ("purple", [125, 60, 160]),
    ("pink", [240, 120, 170]),
    ("black", [25, 25, 28]),
    ("white", [245, 245, 245]),
    ("brown", [121, 78, 46]),
    ("gray", [135, 135, 138]),
    ("grey", [135, 135, 138]),
    ("beige", [224, 207, 177]),
    ("navy", [18, 33, 92]),
    ("gold", [255, 205, 95]),
    ("golden", [255, 205, 95]),
    ("silver", [208, 212, 216]),
    ("copper", [226, 140, 105]),
];

const SURFACES: [(&str, Surface); 12] = [
    ("plain", Surface::Plain),
    ("matte", Surface::Matte),
    ("matt", Surface::Matte),
    ("rough", Surface::Matte),
    ("clay", Surface::Matte),
    ("glossy", Surface::Glossy),
    ("shiny", Surface::Glossy),
    ("plastic", Surface::Glossy),
    ("metal", Surface::Metal),
    ("metallic", Surface::Metal),
    ("glass", Surface::Glass),
    ("transparent", Surface::Glass),
];

impl Default for Material {
    fn default() -> Self {
        Self { colour: [200, 200, 204], colour_name: "light gray", surface: Surface::Plain }
    }
}

impl Material {
    /// Takes on what a word says. `false`: it says nothing of colours or surfaces.
    pub fn take(&mut self, word: &str) -> bool {
        if let Some((name, colour)) = COLOURS.iter().find(|(name, _)| *name == word) {
            (self.colour, self.colour_name) = (*colour, *name);
            if matches!(word, "gold" | "golden" | "silver" | "copper") {
                self.surface = Surface::Metal;
            }
            return true;
        }
        let surface = SURFACES.iter().find(|(name, _)| *name == word);
        if let Some((_, surface)) = surface {
            self.surface = *surface;
        }
        surface.is_some()
    }

    /// As glTF describes it.
    pub fn described(self) -> Value {
        let (metallic, roughness, alpha) = match self.surface {
            Surface::Plain => (0.0, 0.6, 1.0),
            Surface::Matte => (0.0, 1.0, 1.0),
            Surface::Glossy => (0.0, 0.15, 1.0),
            Surface::Metal => (1.0, 0.25, 1.0),
            Surface::Glass => (0.0, 0.05, 0.35),
        };
        let [red, green, blue] = self.colour.map(linear);
        let mut material = json!({
            "name": format!("{} {}", self.colour_name, self.surface.name()),
            "pbrMetallicRoughness": {
                "baseColorFactor": [red, green, blue, alpha],
                "metallicFactor": metallic,
                "roughnessFactor": roughness,
            },
        });
        if alpha < 1.0 {
            material["alphaMode"] = "BLEND".into();
        }
        material
    }
}

impl Surface {
    pub fn name(self) -> &'static str {
        SURFACES.iter().find(|(_, surface)| *surface == self).map_or("plain", |(name, _)| name)
    }
}

/// From the curve of screens to light itself, as IEC 61966-2-1 defines it.
fn linear(level: u8) -> f64 {
    let level = f64::from(level) / 255.0;
    let light = if level <= 0.040_45 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) };
    (light * 1e6).round() / 1e6
}
