//! What keeps the house in order: generated pages, and the table of layers.

pub mod layers;
pub mod pages;
