//! Pictures of another size.

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Output, RunError};
use tintype_media::{Canvas, Encoding, Filter, Format};

use super::{
    anchor::Anchor,
    call::Call,
    colour::Colour,
    given::{Given, Job, image, room_for},
};

const SIDES: (u64, u64) = (1, 8192);
const FILTERS: [(&str, Filter); 4] = [
    ("nearest", Filter::Nearest),
    ("bilinear", Filter::Bilinear),
    ("bicubic", Filter::Bicubic),
    ("lanczos", Filter::Lanczos),
];

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// Cuts a part of the size out, without scaling.
    Crop(Anchor),
    /// Scales down to fit, and fills what is left.
    Pad(Colour),
    Scale(Filter, Proportions),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proportions {
    /// As large as fits into the size.
    Fit,
    /// As small as covers the size; what stands out is cut off.
    Fill,
    /// Exactly the size.
    Stretch,
}

pub(super) const PROPORTIONS: [(&str, Proportions); 3] =
    [("fit", Proportions::Fit), ("fill", Proportions::Fill), ("stretch", Proportions::Stretch)];

/// `resize-image`
pub(super) fn plan(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    for required in ["width", "height", "mode"] {
        call.require(required);
    }
    let size = (call.whole("width", SIDES, 1), call.whole("height", SIDES, 1));
    let anchor = call.anchor("cropping_position", Anchor::CENTRE);
    let colour = call.colour("padding_color", Colour::BLACK);
    let filter = call.choice("resampling", &FILTERS, Filter::Nearest);
    let proportions = call.choice("scaling_proportions", &PROPORTIONS, Proportions::Fit);
    let modes = [("crop", Mode::Crop(anchor)), ("pad", Mode::Pad(colour)), ("scale", Mode::Scale(filter, proportions))];
    let mode = call.choice("mode", &modes, modes[2].1);
    let encoding = call.format(Format::Png);
    call.finish(move |given| run(given, size, mode, encoding))
}

fn run(given: &mut Given<'_>, size: (u32, u32), mode: Mode, encoding: Encoding) -> Result<Output, RunError> {
    room_for("width", (size.0.into(), size.1.into()))?;
    let picture = given.picture()?;
    let resized = match mode {
        Mode::Crop(anchor) => cut(&picture, size, anchor),
        Mode::Pad(colour) => {
            let small = picture.width() <= size.0 && picture.height() <= size.1;
            let picture = if small { picture } else { fitted(&picture, size, Proportions::Fit, Filter::Lanczos) };
            let mut padded = Canvas::filled(size.0, size.1, colour.0);
            padded.lay(&picture, Anchor::CENTRE.corner(size, (picture.width(), picture.height()), 0), 1.0);
            padded
        }
        Mode::Scale(filter, proportions) => fitted(&picture, size, proportions, filter),
    };
    image(&resized, encoding)
}

/// Scaled to a size, or cut to it.
pub(super) fn fitted(picture: &Canvas, size: (u32, u32), proportions: Proportions, filter: Filter) -> Canvas {
    let (wide, high) =
        (f64::from(size.0) / f64::from(picture.width()), f64::from(size.1) / f64::from(picture.height()));
    let scaled = |length: u32, factor: f64, most: u32| ((f64::from(length) * factor).round() as u32).clamp(1, most);
    match proportions {
        Proportions::Stretch => picture.resized(size.0, size.1, filter),
        Proportions::Fit => {
            let factor = wide.min(high);
            picture.resized(scaled(picture.width(), factor, size.0), scaled(picture.height(), factor, size.1), filter)
        }
        Proportions::Fill => {
            // Cut first: the enlarged picture may be far longer than what is seen of it.
            let factor = wide.max(high).recip();
            let part = (scaled(size.0, factor, picture.width()), scaled(size.1, factor, picture.height()));
            cut(picture, part, Anchor::CENTRE).resized(size.0, size.1, filter)
        }
    }
}

/// The part at an anchor; a side that is shorter stays as it is.
fn cut(picture: &Canvas, size: (u32, u32), anchor: Anchor) -> Canvas {
    let part = (size.0.min(picture.width()), size.1.min(picture.height()));
    let (left, top) = anchor.corner((picture.width(), picture.height()), part, 0);
    picture.cropped((left.max(0) as u32, top.max(0) as u32), part)
}

/// `resize-to-max-pixels`: as large as fits with the same proportions, and never larger than it was.
pub(super) fn to_max_pixels(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let most = call.whole("max_pixels", (1, 32_000_000), 1_000_000);
    let divisor = call.whole("enforce_divisibility", (1, 1024), 1);
    let encoding = call.format(Format::Png);
    call.finish(move |given| {
        let picture = given.picture()?;
        let (width, height) = within((picture.width(), picture.height()), most, divisor);
        image(&picture.resized(width, height, Filter::Lanczos), encoding)
    })
}

fn within((width, height): (u32, u32), most: u32, divisor: u32) -> (u32, u32) {
    let scale = (f64::from(most) / (f64::from(width) * f64::from(height))).sqrt().min(1.0);
    let side = |side: u32| {
        // A hair more, so that a whole number is not missed by the last digit of a fraction.
        let side = (f64::from(side) * scale + 1e-6).floor() as u32;
        (side / divisor * divisor).max(divisor)
    };
    // A side that could shrink no further leaves less for the other.
    let other = |long: u32, short: u32| long.min((most / short / divisor * divisor).max(divisor));
    let (width, height) = (side(width), side(height));
    if width > height { (other(width, height), height) } else { (width, other(height, width)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_pixels_is_kept_to_and_the_sides_divide() {
        assert_eq!(within((2000, 2000), 1_000_000, 1), (1000, 1000));
        assert_eq!(within((610, 700), 1_000_000, 32), (608, 672));
        assert_eq!(within((610, 700), 1_000_000, 1), (610, 700));
        let (width, height) = within((8192, 3), 1000, 1);
        assert!(width * height <= 1000 && height == 1, "{width} {height}");
    }

    #[test]
    fn proportions_fit_fill_or_stretch() {
        let picture = Canvas::filled(40, 20, [1, 2, 3, 255]);
        let size = |proportions| {
            let fitted = fitted(&picture, (10, 10), proportions, Filter::Lanczos);
            (fitted.width(), fitted.height())
        };
        assert_eq!(size(Proportions::Fit), (10, 5));
        assert_eq!((size(Proportions::Fill), size(Proportions::Stretch)), ((10, 10), (10, 10)));
    }
}
