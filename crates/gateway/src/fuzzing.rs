//! Doors to the private parsers, for the fuzz targets alone. Each checks what must hold whatever comes in.

use http::HeaderMap;
use tintype_domain::Timestamp;

use crate::{
    headers::{Wishes, for_caller, for_runner},
    place::Place,
    storage::fuzzing as storage,
};

pub fn place(host: &str, path: &str) {
    let place = Place::of(host, path);
    assert!(place.path.starts_with('/') || !path.starts_with('/'), "{place:?}");
}

pub fn headers(headers: &HeaderMap) {
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    if let Ok(wishes) = Wishes::read(headers, now, true) {
        assert!(wishes.start_deadline.is_none_or(|deadline| deadline > now));
    }
    assert!(!for_runner(headers, true).contains_key(http::header::AUTHORIZATION));
    for_caller(headers);
    storage::conditions(headers);
}

pub fn lifecycle(text: &str) {
    storage::lifecycle(text);
}

pub fn parts(body: &[u8]) {
    storage::parts(body);
}
