//! Reading a prompt: solids with their properties, and how each lies to the one before.

mod reader;
mod saying;

use super::{material::Material, shapes::Shape};
use crate::prompt::tokens;
use reader::Reader;

/// Solids of one prompt.
pub(super) const MOST: usize = 64;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scene {
    pub items: Vec<Item>,
    /// Words that had no effect.
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
    /// Several stand on each other.
    pub column: bool,
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
    /// On the one before, with which it is one thing for those that follow.
    OnPile,
}

pub(super) fn read(prompt: &str) -> Scene {
    let lower = prompt.to_lowercase();
    let tokens = tokens(&lower);
    let (mut reader, mut at) = (Reader::default(), 0);
    while at < tokens.len() {
        at += reader.take(&tokens[at..]);
    }
    reader.finish()
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
            Self::OnPile => Self::OnPile,
        }
    }
}

#[cfg(test)]
mod tests;
