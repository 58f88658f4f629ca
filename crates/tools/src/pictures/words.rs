//! Words on a picture.

use serde_json::{Map, Value};
use tintype_engine::{Detail, Invalid, Output, RunError};
use tintype_media::{Canvas, Encoding, Format};

use super::{
    anchor::{Anchor, Spot},
    call::Call,
    colour::Colour,
    distance::outline,
    given::{Given, Job, image},
    lettering::{Alignment, Lettering, Script},
};
use crate::fonts;

const LONGEST_TEXT: usize = 5000;
const OFFSETS: (f64, f64) = (-8192.0, 8192.0);

/// `add-text-to-image`
struct Caption {
    script: Script,
    colour: Colour,
    anchor: Anchor,
    spot: Option<Spot>,
    offset: (i64, i64),
    margin: i64,
    /// Part of the width of the picture that lines may fill.
    breadth: f32,
    ground: Option<(Colour, u32)>,
    stroke: Option<(f32, Colour)>,
    encoding: Encoding,
}

pub(super) fn plan(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    call.require("text");
    let opacity = call.number("opacity", (0.0, 1.0), 1.0);
    let alignments = [("left", Alignment::Left), ("center", Alignment::Centre), ("right", Alignment::Right)];
    let script = Script {
        text: call.text("text", LONGEST_TEXT).unwrap_or_default(),
        font: call.text("font", 200),
        bold: call.choice("font_weight", &[("normal", false), ("bold", true)], false),
        size: call.number("font_size", (4.0, 1000.0), 40.0),
        line_height: call.number("line_height", (0.5, 5.0), 1.2),
        alignment: call.choice("text_align", &alignments, Alignment::Centre),
    };
    let padding = call.whole("background_padding", (0, 1000), 10);
    let stroke = call.number("stroke_width", (0.0, 100.0), 0.0);
    let sides = [("left", 0.0), ("center", 0.5), ("right", 1.0)];
    let before = (call.choice("anchor", &sides, 0.5), 0.5);
    // The hosted endpoint has words for no box at all.
    let ground = call.unless("background_color", &["", "none"]);
    let colour = call.colour("font_color", Colour::WHITE).faded(opacity);
    let anchor = call.anchor("position", Anchor::CENTRE);
    let caption = Caption {
        script,
        colour,
        anchor,
        spot: Spot::read(&mut call, before, anchor),
        offset: (
            call.number("x_offset", OFFSETS, 0.0).round() as i64,
            call.number("y_offset", OFFSETS, 0.0).round() as i64,
        ),
        margin: i64::from(call.whole("margin", (0, 4096), 24)),
        breadth: call.number("max_width_percent", (1.0, 100.0), 90.0) / 100.0,
        ground: ground.map(|colour| (colour.faded(opacity), padding)),
        stroke: Some((stroke, call.colour("stroke_color", Colour::BLACK).faded(opacity)))
            .filter(|(width, _)| *width > 0.0),
        encoding: call.format(Format::Png),
    };
    call.finish(|given| caption.run(given))
}

impl Caption {
    fn run(self, given: &mut Given<'_>) -> Result<Output, RunError> {
        let mut picture = given.picture()?;
        if self.script.text.trim().is_empty() {
            given.watch.note("the text is empty: the picture is handed back without one");
            return image(&picture, self.encoding);
        }
        let breadth = (picture.width() as f32 * self.breadth).max(1.0);
        // What stands beyond the picture is not seen.
        let room = (picture.width(), picture.height());
        let lettering =
            Lettering::set(&self.script, breadth, room).map_err(|fonts| unknown_font(&self.script, &fonts))?;
        if !lettering.missing.is_empty() {
            return Err(RunError::Invalid(fonts::refuse("text", &lettering.missing).into()));
        }
        self.draw(&mut picture, &lettering);
        image(&picture, self.encoding)
    }

    fn draw(&self, picture: &mut Canvas, lettering: &Lettering) {
        let padding = self.ground.map_or(0, |(_, padding)| padding);
        let size = (lettering.size.0 + 2 * padding, lettering.size.1 + 2 * padding);
        let room = (picture.width(), picture.height());
        let corner = match self.spot {
            Some(spot) => spot.corner(room, size),
            None => self.anchor.corner(room, size, self.margin),
        };
        let corner = (corner.0 + self.offset.0, corner.1 + self.offset.1);
        if let Some((colour, _)) = self.ground {
            picture.lay(&Canvas::filled(size.0, size.1, colour.0), corner, 1.0);
        }
        let place = (corner.0 + i64::from(padding), corner.1 + i64::from(padding));
        if let Some((width, colour)) = self.stroke {
            let edge = width.ceil() as u32;
            let alpha: Vec<u8> = lettering.letters.pixels().chunks_exact(4).map(|pixel| pixel[3]).collect();
            let (size, coverage) =
                outline(&alpha, (lettering.letters.width(), lettering.letters.height()), width, edge);
            for (at, coverage) in coverage.into_iter().enumerate().filter(|(_, coverage)| *coverage > 0) {
                let at = (i64::from(at as u32 % size.0), i64::from(at as u32 / size.0));
                let shift = i64::from(edge) + i64::from(lettering.edge);
                picture.tint((place.0 + at.0 - shift, place.1 + at.1 - shift), colour.0, coverage);
            }
        }
        let shift = i64::from(lettering.edge);
        for (at, pixel) in lettering.letters.pixels().chunks_exact(4).enumerate().filter(|(_, pixel)| pixel[3] > 0) {
            let width = lettering.letters.width();
            let at = (i64::from(at as u32 % width), i64::from(at as u32 / width));
            // Letters take the colour; pictures among them, as of faces, have their own.
            let own = [pixel[0], pixel[1], pixel[2], self.colour.0[3]];
            let colour = if lettering.coloured { own } else { self.colour.0 };
            picture.tint((place.0 + at.0 - shift, place.1 + at.1 - shift), colour, pixel[3]);
        }
    }
}

fn unknown_font(script: &Script, known: &[String]) -> Invalid {
    let message = format!("No font of this name is on this server. There are: {}", known.join(", "));
    let found = Value::from(script.font.clone());
    Detail::new("font", "one_of", message).with("expected", known.to_vec()).found(&found).into()
}
