//! Pictures stay within their limits, and a decoded picture survives PNG unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_media::{Format, Limits, decode, encode, probe};

const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_width: 256, max_height: 256, max_pixels: 40_000 };

fuzz_target!(|bytes: &[u8]| {
    let probed = probe(bytes, &LIMITS);
    let Ok(picture) = decode(bytes, &LIMITS) else { return };
    let probed = probed.expect("what decodes can be probed");
    assert!(picture.width() <= LIMITS.max_width && picture.height() <= LIMITS.max_height);
    // A decoder may turn the picture by its orientation.
    let turned = (probed.height, probed.width) == (picture.width(), picture.height());
    assert!((probed.width, probed.height) == (picture.width(), picture.height()) || turned);
    let png = encode(&picture, Format::Png, 90).expect("a picture can be encoded");
    assert_eq!(decode(&png, &LIMITS).expect("our own PNG can be read").pixels(), picture.pixels());
});
