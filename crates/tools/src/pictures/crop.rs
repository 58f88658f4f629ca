//! A part of a picture, and how large one is.

use serde_json::{Map, Value, json};
use tintype_engine::{Invalid, Output};
use tintype_media::Format;

use super::{
    call::Call,
    given::{Job, image},
};

/// The part is told in per cent of the sides, so that one input fits pictures of every size.
pub(super) fn plan(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let mut part = |name, default| call.number(name, (0.0, 100.0), default) / 100.0;
    let (x, y) = (part("x_percent", 0.0), part("y_percent", 0.0));
    let (width, height) = (part("width_percent", 100.0), part("height_percent", 100.0));
    let encoding = call.format(Format::Png);
    call.finish(move |given| {
        let picture = given.picture()?;
        let (left, right) = span(picture.width(), x, width);
        let (top, bottom) = span(picture.height(), y, height);
        image(&picture.cropped((left, top), (right - left, bottom - top)), encoding)
    })
}

/// First and last pixel of a part of a side. Parts that touch on paper touch in pixels: each edge is rounded by itself.
fn span(side: u32, start: f32, length: f32) -> (u32, u32) {
    let edge = |part: f32| ((side as f32 * part).round() as u32).min(side);
    let first = edge(start).min(side - 1);
    (first, edge(start + length).max(first + 1))
}

/// `image-size`.
pub(super) fn size(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    call.finish(|given| {
        let picture = given.picture()?;
        let size = json!({ "width": picture.width(), "height": picture.height() });
        Ok(Output { files: Vec::new(), fields: Map::from_iter([("image_size".to_owned(), size)]), units: None })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_cover_a_side_without_gap_or_overlap() {
        for side in [3, 100, 101, 1024] {
            let third = 0.333_333_33;
            let spans = [span(side, 0.0, third), span(side, third, third), span(side, 2.0 * third, third)];
            assert_eq!((spans[0].0, spans[2].1), (0, side), "{spans:?}");
            assert_eq!((spans[0].1, spans[1].1), (spans[1].0, spans[2].0), "{spans:?}");
        }
    }

    #[test]
    fn a_part_has_a_pixel_at_least() {
        assert_eq!(span(10, 1.0, 1.0), (9, 10));
        assert_eq!(span(10, 0.5, 0.0), (5, 6));
        assert_eq!(span(1, 0.0, 0.1), (0, 1));
    }
}
