//! What the fuzz targets reach of storage.

use http::HeaderMap;
use tintype_domain::Timestamp;

use super::{
    body::Small,
    conditions::{self, Answer, Current},
    lifecycle, multipart,
};

const SIZE: u64 = 1000;

/// A range lies inside the file and is not empty.
pub(crate) fn conditions(headers: &HeaderMap) {
    let modified = Timestamp::from_micros(1_700_000_000_000_000);
    if let Answer::Part(part) = conditions::answer(headers, &Current { etag: "\"e\"", modified, size: SIZE }) {
        assert!(part.start < part.end && part.end <= SIZE, "{part:?}");
    }
}

pub(crate) fn lifecycle(text: &str) {
    let _ = lifecycle::parse(text);
}

pub(crate) fn parts(body: &[u8]) {
    let _ = multipart::part_list(&Small(bytes::Bytes::copy_from_slice(body)));
}
