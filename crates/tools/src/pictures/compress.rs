//! A smaller file of the same picture.

use serde_json::{Map, Value, json};
use tintype_engine::{Invalid, Output, Place, RunError};
use tintype_media::{Canvas, Encoding, Filter, Format, Limits, probe};

use super::{
    call::Call,
    given::{Given, Job, described, made},
};

const SIDES: (u64, u64) = (1, 8192);

pub(super) fn plan(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let quality = call.whole("quality", (1, 100), 80) as u8;
    let (width, height) = (call.optional_whole("max_width", SIDES), call.optional_whole("max_height", SIDES));
    let small = call.flag("optimize", true);
    let encoding = Encoding { quality, small, ..call.format(Format::Jpeg) };
    call.finish(move |given| run(given, (width, height), encoding))
}

fn run(given: &mut Given<'_>, most: (Option<u32>, Option<u32>), encoding: Encoding) -> Result<Output, RunError> {
    let (bytes, picture) = given.file()?;
    let size = (picture.width(), picture.height());
    let (width, height) = within(size, most);
    let picture: Canvas =
        if (width, height) == size { picture } else { picture.resized(width, height, Filter::Lanczos) };
    let mut file = made(&picture, encoding)?;
    let original = bytes.len();
    if file.bytes.len() > original {
        let format = probe(&bytes, &Limits::default()).map(|found| found.format).ok();
        if format == Some(encoding.format) && (width, height) == size {
            given.watch.note("the file is as small already: it is handed back as it is");
            file = described(bytes, encoding.format, size);
        } else {
            given.watch.note("the answer is larger than the file that was sent");
        }
    }
    let compressed = file.bytes.len();
    let fields = [
        ("original_size".to_owned(), json!(original)),
        ("compressed_size".to_owned(), json!(compressed)),
        ("compression_ratio".to_owned(), json!(compressed as f64 / original.max(1) as f64)),
    ];
    Ok(Output { files: vec![(Place::Member("image"), file)], fields: Map::from_iter(fields), units: None })
}

/// As large as fits, with the same proportions and never larger than it was.
fn within((width, height): (u32, u32), (most_wide, most_high): (Option<u32>, Option<u32>)) -> (u32, u32) {
    let scale = |most: Option<u32>, side: u32| most.map_or(1.0, |most| f64::from(most) / f64::from(side));
    let scale = scale(most_wide, width).min(scale(most_high, height)).min(1.0);
    let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_shrink_together_and_never_grow() {
        assert_eq!(within((4000, 3000), (Some(1000), None)), (1000, 750));
        assert_eq!(within((4000, 3000), (Some(1000), Some(300))), (400, 300));
        assert_eq!(within((40, 30), (Some(1000), Some(300))), (40, 30));
        assert_eq!(within((8000, 1), (Some(10), None)), (10, 1));
        assert_eq!(within((1, 8000), (None, Some(1000))), (1, 1000));
    }
}
