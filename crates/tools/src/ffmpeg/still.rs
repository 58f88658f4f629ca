//! Images that FFmpeg would see otherwise than people do.

use bytes::Bytes;
use tintype_media::{Canvas, Limits, decode_canvas};

/// Where the notes of a camera lie, if there are any.
const NOTES: usize = 64 << 10;

/// FFmpeg does not turn photographs as their camera was held, and reads no WebP that moves: those are unfolded here.
/// What cannot be is left as it is, for FFmpeg to judge.
pub(super) fn upright(bytes: Bytes) -> Bytes {
    let start = &bytes[..bytes.len().min(NOTES)];
    let photograph = start.starts_with(&[0xff, 0xd8]) && start.windows(6).any(|six| six == b"Exif\0\0");
    let webp = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP");
    if !photograph && !webp {
        return bytes;
    }
    decode_canvas(&bytes, &Limits::default()).map_or(bytes, |canvas| unfolded(&canvas))
}

/// As a PAM: a few words ahead of the pixels. FFmpeg knows it by a remark in the second line.
fn unfolded(canvas: &Canvas) -> Bytes {
    let head = format!(
        "P7\n# upright\nWIDTH {}\nHEIGHT {}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n",
        canvas.width(),
        canvas.height()
    );
    [head.as_bytes(), canvas.pixels()].concat().into()
}
