//! Pictures on top of others.

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Output, RunError};
use tintype_media::{Canvas, Encoding, Filter, Format};

use super::{
    anchor::{Anchor, Spot},
    call::Call,
    colour::Colour,
    distance::outline,
    given::{Given, Job, image, room_for},
};

/// `overlay-image`
struct Overlay {
    anchor: Anchor,
    spot: Option<Spot>,
    offset: (i64, i64),
    scale: f32,
    opacity: f32,
    stroke: Option<(f32, Colour)>,
    encoding: Encoding,
}

const OFFSETS: (f64, f64) = (-8192.0, 8192.0);

pub(super) fn overlay(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("background_image_url");
    call.picture("overlay_image_url");
    let stroke = call.number("stroke_width", (0.0, 200.0), 0.0);
    let anchor = call.anchor("position", Anchor::CENTRE);
    let overlay = Overlay {
        anchor,
        spot: Spot::read(&mut call, (0.5, 0.5), anchor),
        offset: (
            call.number("x_offset", OFFSETS, 0.0).round() as i64,
            call.number("y_offset", OFFSETS, 0.0).round() as i64,
        ),
        scale: call.number("scale_percent", (1.0, 2000.0), 100.0) / 100.0,
        opacity: call.number("opacity", (0.0, 1.0), 1.0),
        stroke: Some((stroke, call.colour("stroke_color", Colour::BLACK))).filter(|(width, _)| *width > 0.0),
        encoding: call.format(Format::Png),
    };
    call.finish(|given| overlay.run(given))
}

impl Overlay {
    fn run(self, given: &mut Given<'_>) -> Result<Output, RunError> {
        let (mut below, above) = (given.picture()?, given.picture()?);
        let side = |side: u32| u64::from(((side as f32 * self.scale).round() as u32).max(1));
        let (width, height) = room_for("scale_percent", (side(above.width()), side(above.height())))?;
        let above = above.resized(width, height, Filter::Lanczos);
        let room = (below.width(), below.height());
        let corner = match self.spot {
            Some(spot) => spot.corner(room, (width, height)),
            None => self.anchor.corner(room, (width, height), 0),
        };
        let place = (corner.0 + self.offset.0, corner.1 + self.offset.1);
        if let Some((stroke, colour)) = self.stroke {
            let edge = stroke.ceil() as u32;
            let alpha: Vec<u8> = above.pixels().chunks_exact(4).map(|pixel| pixel[3]).collect();
            let (field, coverage) = outline(&alpha, (width, height), stroke, edge);
            let colour = colour.faded(self.opacity);
            for (at, coverage) in coverage.into_iter().enumerate() {
                let (x, y) = (at as u32 % field.0, at as u32 / field.0);
                let corner = (place.0 - i64::from(edge), place.1 - i64::from(edge));
                below.tint((corner.0 + i64::from(x), corner.1 + i64::from(y)), colour.0, coverage);
            }
        }
        below.lay(&above, place, self.opacity);
        image(&below, self.encoding)
    }
}

/// `composite-image`: as large as the background; the overlay and its mask are stretched to it.
pub(super) fn composite(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("background_image_url");
    call.picture("overlay_image_url");
    let masked = call.optional_picture("mask_image_url");
    let encoding = call.format(Format::Png);
    call.finish(move |given| {
        let mut below = given.picture()?;
        let size = (below.width(), below.height());
        let mut above = given.picture()?.resized(size.0, size.1, Filter::Lanczos);
        if masked {
            let mask = given.picture()?.to_mask().resized(size.0, size.1);
            veil(&mut above, mask.values());
        }
        below.lay(&above, (0, 0), 1.0);
        image(&below, encoding)
    })
}

/// Where the mask is black, nothing is left.
fn veil(picture: &mut Canvas, mask: &[u8]) {
    for (pixel, value) in picture.pixels_mut().chunks_exact_mut(4).zip(mask) {
        pixel[3] = ((u32::from(pixel[3]) * u32::from(*value) + 127) / 255) as u8;
    }
}

/// `rgba-to-rgb`
pub(super) fn flatten(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    call.require("transparent_color");
    let colour = call.colour("transparent_color", Colour::GREY);
    let encoding = call.format(Format::Png);
    call.finish(move |given| image(&Canvas::from(&given.picture()?.over(colour.rgb())), encoding))
}
