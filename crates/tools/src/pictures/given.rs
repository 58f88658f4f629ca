//! A checked call to a picture tool, and the pictures that it was given.

use std::vec::IntoIter;

use bytes::Bytes;
use serde_json::Map;
use tintype_engine::{
    Detail, Invalid, Made, Output, Picture, Place, Plan, RunError, Wanted, Watch, unreadable_picture,
};
use tintype_media::{Canvas, DecodeError, Encoding, Format, Limits, decode_canvas, encode_canvas, probe};

/// Pixels of all pictures of a call together: a long list of large ones would need more memory than there is.
const MOST_PIXELS: u64 = 96_000_000;

pub(super) type Work = Box<dyn FnOnce(&mut Given<'_>) -> Result<Output, RunError> + Send>;

pub(crate) struct Job {
    pub(super) wanted: Vec<Wanted>,
    pub(super) inline: bool,
    pub(super) work: Work,
}

impl Plan for Job {
    fn files(&self) -> Vec<Wanted> {
        self.wanted.clone()
    }

    fn inline(&self) -> bool {
        self.inline
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let files: Vec<_> = self.wanted.into_iter().map(|wanted| wanted.field).zip(files).collect();
        (self.work)(&mut Given { files: files.into_iter(), room: MOST_PIXELS, watch })
    }
}

/// The pictures of a call, in the order in which it wanted them.
pub(super) struct Given<'a> {
    files: IntoIter<(String, Bytes)>,
    room: u64,
    pub watch: &'a mut dyn Watch,
}

impl Given<'_> {
    /// The next picture.
    pub fn picture(&mut self) -> Result<Canvas, RunError> {
        self.file().map(|(_, picture)| picture)
    }

    /// The next picture, and the file that it was in.
    pub fn file(&mut self) -> Result<(Bytes, Canvas), RunError> {
        self.watch.wanted()?;
        let (field, bytes) = self.files.next().ok_or_else(|| failed("fewer files came than were wanted"))?;
        let limits = Limits::default();
        let unreadable = |error: DecodeError| unreadable_picture(&field, &error);
        let size = probe(&bytes, &limits).map_err(unreadable)?;
        let pixels = u64::from(size.width) * u64::from(size.height);
        self.room = self.room.checked_sub(pixels).ok_or_else(|| too_many(&field))?;
        let picture = decode_canvas(&bytes, &limits).map_err(unreadable)?;
        Ok((bytes, picture))
    }

    /// All that are left.
    pub fn pictures(&mut self) -> Result<Vec<Canvas>, RunError> {
        (0..self.files.len()).map(|_| self.picture()).collect()
    }
}

/// An answer of one picture, `image`.
pub(super) fn image(canvas: &Canvas, encoding: Encoding) -> Result<Output, RunError> {
    Ok(Output { files: vec![(Place::Member("image"), made(canvas, encoding)?)], fields: Map::new(), units: None })
}

pub(super) fn made(canvas: &Canvas, encoding: Encoding) -> Result<Made, RunError> {
    let bytes = encode_canvas(canvas, encoding).map_err(|error| RunError::Computation(error.into()))?;
    let Encoding { format, .. } = encoding;
    Ok(described(bytes, format, (canvas.width(), canvas.height())))
}

/// A file that is a picture.
pub(super) fn described(bytes: Bytes, format: Format, (width, height): (u32, u32)) -> Made {
    let (content_type, extension) = (format.content_type(), format.extension());
    Picture { bytes, content_type, extension, width, height }.into()
}

/// Refuses a picture that would become too large; `field` is what made it so.
pub(super) fn room_for(field: &str, (width, height): (u64, u64)) -> Result<(u32, u32), Invalid> {
    let Limits { max_width, max_height, max_pixels, .. } = Limits::default();
    let fits = width <= u64::from(max_width) && height <= u64::from(max_height) && width * height <= max_pixels;
    if fits {
        return Ok((width as u32, height as u32));
    }
    let message = format!(
        "The picture would be {width} x {height} pixels: at most {max_width} x {max_height}, and {max_pixels} pixels in \
         all, are allowed"
    );
    let detail = Detail::new(field, "image_too_large", message);
    Err(detail.with("max_width", max_width).with("max_height", max_height).into())
}

fn too_many(field: &str) -> Invalid {
    let message = format!("The pictures of a call may have {MOST_PIXELS} pixels together, and this one is beyond that");
    let Limits { max_width, max_height, .. } = Limits::default();
    let detail = Detail::new(field, "image_too_large", message);
    detail.with("max_width", max_width).with("max_height", max_height).into()
}

fn failed(message: &'static str) -> RunError {
    RunError::Computation(message.into())
}
