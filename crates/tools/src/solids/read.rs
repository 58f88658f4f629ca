//! Reading a prompt: solids with their properties, and how each lies to the one before.

use super::{
    material::Material,
    shapes::{Shape, of_word},
};
use crate::prompt::number;

/// Solids of one prompt.
pub(super) const MOST: usize = 64;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scene {
    pub items: Vec<Item>,
    /// Words that say nothing here.
    pub unknown: Vec<String>,
}

/// One or several solids that are alike.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub shape: Shape,
    pub count: usize,
    pub material: Material,
    /// Width, height and depth, in units.
    pub size: [f32; 3],
    /// Where it lies, seen from what was named before it.
    pub place: Relation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Beside,
    LeftOf,
    RightOf,
    Above,
    Below,
    Behind,
    InFront,
}

/// Words that only hold others together.
const GLUE: [&str; 17] = [
    "a", "an", "the", "of", "to", "is", "are", "with", "and", "next", "side", "by", "top", "that", "sits", "stands",
    "made",
];

/// What was said of the solid that comes next.
struct Saying {
    count: usize,
    material: Material,
    scale: f32,
    stretch: [f32; 3],
}

impl Default for Saying {
    fn default() -> Self {
        Self { count: 1, material: Material::default(), scale: 1.0, stretch: [1.0; 3] }
    }
}

pub(super) fn read(prompt: &str) -> Scene {
    let lower = prompt.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut scene = Scene::default();
    let mut saying = Saying::default();
    let mut pending: Option<Relation> = None;
    for word in words {
        if let Some((shape, _)) = of_word(word) {
            let said = std::mem::take(&mut saying);
            // "A on B" is read from its end: B is below A.
            let place = pending.take().map_or(Relation::Beside, Relation::turned);
            let size = said.stretch.map(|stretch| stretch * said.scale);
            scene.items.push(Item { shape, count: said.count, material: said.material, size, place });
        } else if let Some(relation) = relation(word) {
            pending = Some(relation);
        } else if matches!(word, "it" | "them") {
            // "A, and B left of it".
            if let (Some(last), Some(relation)) = (scene.items.last_mut(), pending.take()) {
                last.place = relation;
            }
        } else if !(saying.material.take(word) || saying.size(word) || saying.number(word) || GLUE.contains(&word)) {
            scene.unknown.push(word.to_owned());
        }
    }
    scene
}

impl Scene {
    /// How many solids it asks for.
    pub fn count(&self) -> usize {
        self.items.iter().fold(0, |sum, item| sum.saturating_add(item.count))
    }
}

impl Relation {
    /// The same, seen from the other one.
    fn turned(self) -> Self {
        match self {
            Self::Beside => Self::Beside,
            Self::LeftOf => Self::RightOf,
            Self::RightOf => Self::LeftOf,
            Self::Above => Self::Below,
            Self::Below => Self::Above,
            Self::Behind => Self::InFront,
            Self::InFront => Self::Behind,
        }
    }
}

fn relation(word: &str) -> Option<Relation> {
    match word {
        "on" | "above" | "over" | "atop" => Some(Relation::Above),
        "under" | "below" | "beneath" | "underneath" => Some(Relation::Below),
        "left" => Some(Relation::LeftOf),
        "right" => Some(Relation::RightOf),
        "behind" => Some(Relation::Behind),
        "front" | "before" => Some(Relation::InFront),
        "in" | "beside" => Some(Relation::Beside),
        _ => None,
    }
}

impl Saying {
    fn size(&mut self, word: &str) -> bool {
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

    fn number(&mut self, word: &str) -> bool {
        let found = number(word);
        if let Some(count) = found {
            self.count = count;
        }
        found.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::material::Surface, *};

    #[test]
    fn a_solid_is_read_with_all_that_is_said_of_it() {
        let scene = read("a large shiny red cube");
        let [item] = &scene.items[..] else { panic!("{scene:?}") };
        assert_eq!((item.shape, item.size, item.material.surface), (Shape::Cube, [1.75; 3], Surface::Glossy));
        assert_eq!((item.material.colour_name, scene.unknown.len()), ("red", 0));
    }

    #[test]
    fn numbers_make_several_and_relations_hold_between_neighbours() {
        let scene = read("three blue spheres on top of a flat green box, a gold ring to the left of it");
        let found: Vec<_> = scene.items.iter().map(|item| (item.shape, item.count, item.place)).collect();
        assert_eq!(
            found,
            [
                (Shape::Sphere, 3, Relation::Beside),
                (Shape::Cube, 1, Relation::Below),
                (Shape::Torus, 1, Relation::LeftOf)
            ]
        );
        assert_eq!(scene.items[2].material.surface, Surface::Metal);
    }

    #[test]
    fn what_says_nothing_here_is_kept_as_such() {
        let scene = read("a dreamy blue cat");
        assert!(scene.items.is_empty());
        assert_eq!(scene.unknown, ["dreamy", "cat"]);
        assert!(read("").items.is_empty());
    }

    #[test]
    fn numbers_without_end_are_counted_as_far_as_numbers_go() {
        let scene = read(&format!("{} cubes and {} balls", u64::MAX, u64::MAX));
        assert_eq!(scene.count(), usize::MAX);
    }
}
