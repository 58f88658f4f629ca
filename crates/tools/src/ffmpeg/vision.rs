//! What is done to pictures in many tools.

use super::probe::Media;

/// `[3:0]`: the pictures of the input of this number.
pub(super) fn of(number: usize, media: &Media) -> String {
    let index = media.video.as_ref().map_or(0, |video| video.index);
    format!("[{number}:{index}]")
}

/// Squares the pixels, fits the whole into a frame and fills what remains with `color`.
pub(super) fn fit((width, height): (u32, u32), color: &str) -> String {
    format!(
        "{SQUARE},scale={width}:{height}:force_original_aspect_ratio=decrease,\
         pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color={color},setsar=1"
    )
}

/// Pixels of some files are wider than high.
pub(super) const SQUARE: &str = "scale=iw*sar:ih,setsar=1";

/// A rate that FFmpeg and people can both work with.
pub(super) fn rate(fps: f64) -> String {
    // The rates of television are fractions of 1001.
    let thousand = (fps * 1001.0 / 1000.0).round();
    if (fps - thousand * 1000.0 / 1001.0).abs() < 0.001 && (fps - fps.round()).abs() > 0.001 {
        return format!("{}/1001", thousand as u64 * 1000);
    }
    format!("{fps:.6}")
}
