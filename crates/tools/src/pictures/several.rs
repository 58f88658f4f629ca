//! Lists of pictures: one of them, each by itself, all together.

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Output, Place, RunError};
use tintype_media::{Canvas, Encoding, Format, Limits, probe};

use super::{
    call::Call,
    given::{Given, Job, described, made},
};

const LIST: &str = "image_urls";
const MOST: usize = 64;

/// `pick-image-by-index`: the file as it is. The others are not fetched.
pub(super) fn pick(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.one_of_pictures(LIST, MOST, "index");
    call.finish(|given| {
        let (bytes, picture) = given.file()?;
        let size = (picture.width(), picture.height());
        // It was decoded a moment ago.
        let format = probe(&bytes, &Limits::default()).map_or(Format::Png, |found| found.format);
        let file = described(bytes, format, size);
        Ok(Output { files: vec![(Place::Member("image"), file)], fields: Map::new(), units: None })
    })
}

/// The members of a split, in order. What has no member of its own would be lost.
const PARTS: [&str; 12] = [
    "image_1", "image_2", "image_3", "image_4", "image_5", "image_6", "image_7", "image_8", "image_9", "image_10",
    "image_11", "image_12",
];

/// `split`: each picture of a list as a member of its own.
pub(super) fn split(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.pictures(LIST, 1, PARTS.len());
    let encoding = call.format(Format::Png);
    call.finish(move |given| written(given, encoding, |at| Place::Member(PARTS[at])))
}

/// `merge`: all pictures in one list.
pub(super) fn merge(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.pictures(LIST, 1, MOST);
    let encoding = call.format(Format::Png);
    call.finish(move |given| written(given, encoding, |_| Place::Item("images")))
}

fn written(given: &mut Given<'_>, encoding: Encoding, place: fn(usize) -> Place) -> Result<Output, RunError> {
    let pictures: Vec<Canvas> = given.pictures()?;
    let file = |(at, picture)| Ok((place(at), made(picture, encoding)?));
    let files = pictures.iter().enumerate().map(file).collect::<Result<_, RunError>>()?;
    Ok(Output { files, fields: Map::new(), units: None })
}
