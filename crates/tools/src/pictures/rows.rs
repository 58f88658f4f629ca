//! Pictures beside each other: in a row, in a column, in a grid.

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Output, RunError};
use tintype_media::{Canvas, Encoding, Filter, Format};

use super::{
    anchor::Anchor,
    call::Call,
    colour::Colour,
    given::{Given, Job, image, room_for},
    resize::{Proportions, fitted},
};

const MOST: usize = 64;
const GAPS: (u64, u64) = (0, 1000);
const LIST: &str = "image_urls";

/// `concat-image`
struct Row {
    upright: bool,
    gap: u32,
    alignment: f32,
    matched: bool,
    background: Colour,
    encoding: Encoding,
}

pub(super) fn concat(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.pictures(LIST, 1, MOST);
    let alignments =
        [("start", 0.0), ("center", 0.5), ("end", 1.0), ("top", 0.0), ("bottom", 1.0), ("left", 0.0), ("right", 1.0)];
    let row = Row {
        upright: call.choice("direction", &[("horizontal", false), ("vertical", true)], false),
        gap: call.whole("spacing", GAPS, 0),
        alignment: call.choice("alignment", &alignments, 0.5),
        matched: call.flag("match_size", false),
        background: call.colour("background_color", Colour::WHITE),
        encoding: call.format(Format::Png),
    };
    call.finish(|given| row.run(given))
}

impl Row {
    fn run(self, given: &mut Given<'_>) -> Result<Output, RunError> {
        let mut pictures = given.pictures()?;
        if self.matched {
            self.level(&mut pictures)?;
        }
        let across = pictures.iter().map(|picture| self.sides(picture).1).max().unwrap_or(1);
        let lengths: u64 = pictures.iter().map(|picture| u64::from(self.sides(picture).0)).sum();
        let length = lengths + u64::from(self.gap) * (pictures.len() as u64 - 1);
        let (width, height) = room_for(LIST, self.turned((length, across.into())))?;
        let mut joined = Canvas::filled(width, height, self.background.0);
        let mut along = 0;
        for picture in &pictures {
            let (length, thickness) = self.sides(picture);
            let beside = (f64::from(across - thickness) * f64::from(self.alignment)).floor() as i64;
            joined.lay(picture, self.turned((along, beside)), 1.0);
            along += i64::from(length + self.gap);
        }
        image(&joined, self.encoding)
    }

    /// Scales all to the thickness of the first.
    fn level(&self, pictures: &mut [Canvas]) -> Result<(), Invalid> {
        let Some(thickness) = pictures.first().map(|first| self.sides(first).1) else { return Ok(()) };
        let scaled = |picture: &Canvas| {
            let (length, own) = self.sides(picture);
            (f64::from(length) * f64::from(thickness) / f64::from(own)).round().max(1.0) as u64
        };
        // All of them together, before any is made.
        room_for(LIST, self.turned((pictures.iter().map(scaled).sum(), thickness.into())))?;
        for picture in pictures {
            let (width, height) = room_for(LIST, self.turned((scaled(picture), thickness.into())))?;
            *picture = picture.resized(width, height, Filter::Lanczos);
        }
        Ok(())
    }

    /// Along the row, and across it.
    fn sides(&self, picture: &Canvas) -> (u32, u32) {
        self.turned((picture.width(), picture.height()))
    }

    fn turned<T>(&self, (along, across): (T, T)) -> (T, T) {
        if self.upright { (across, along) } else { (along, across) }
    }
}

/// `image-grid`
struct Grid {
    columns: u32,
    cell: (Option<u32>, Option<u32>),
    gap: u32,
    fit: Proportions,
    background: Colour,
    encoding: Encoding,
}

pub(super) fn grid(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.pictures(LIST, 1, MOST);
    let fits = [("contain", Proportions::Fit), ("cover", Proportions::Fill), ("stretch", Proportions::Stretch)];
    let grid = Grid {
        columns: call.whole("columns", (1, MOST as u64), 2),
        cell: (call.optional_whole("cell_width", (1, 8192)), call.optional_whole("cell_height", (1, 8192))),
        gap: call.whole("spacing", GAPS, 0),
        fit: call.choice("fit_mode", &fits, Proportions::Fill),
        background: call.colour("background_color", Colour::WHITE),
        encoding: call.format(Format::Png),
    };
    call.finish(|given| grid.run(given))
}

impl Grid {
    fn run(self, given: &mut Given<'_>) -> Result<Output, RunError> {
        let pictures = given.pictures()?;
        let first = |side: fn(&Canvas) -> u32| pictures.first().map_or(1, side);
        let cell =
            (self.cell.0.unwrap_or_else(|| first(Canvas::width)), self.cell.1.unwrap_or_else(|| first(Canvas::height)));
        let count = pictures.len() as u32;
        let columns = self.columns.min(count);
        let span =
            |cell: u32, count: u32| u64::from(cell) * u64::from(count) + u64::from(self.gap) * u64::from(count - 1);
        let (width, height) = room_for(LIST, (span(cell.0, columns), span(cell.1, count.div_ceil(columns))))?;
        let mut sheet = Canvas::filled(width, height, self.background.0);
        for (at, picture) in (0..).zip(&pictures) {
            given.watch.wanted()?;
            let picture = fitted(picture, cell, self.fit, Filter::Lanczos);
            let corner = Anchor::CENTRE.corner(cell, (picture.width(), picture.height()), 0);
            let start = |cell: u32, at: u32| i64::from(cell + self.gap) * i64::from(at);
            let place = (start(cell.0, at % columns) + corner.0, start(cell.1, at / columns) + corner.1);
            sheet.lay(&picture, place, 1.0);
        }
        image(&sheet, self.encoding)
    }
}
