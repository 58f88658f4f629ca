//! From the square that the model draws to the size that was asked for.

use tintype_media::Picture;

use crate::Size;

impl Size {
    /// The nearest size with the same proportions whose sides lie from 64 to 2048, as far as there is one.
    pub fn held(self) -> Self {
        let (longer, shorter) = (f64::from(self.width.max(self.height)), f64::from(self.width.min(self.height)));
        let factor = (2048.0 / longer).min(1.0).max(64.0 / shorter);
        let side = |side: u32| ((f64::from(side) * factor).round() as u32).clamp(64, 2048);
        Self { width: side(self.width), height: side(self.height) }
    }
}

/// The outermost pixels see the nothing beyond the edge; going on outward, they would show as a seam.
const FRAME: u32 = 4;

/// A drawn square as a picture of `size`. The model knows no other shape: in a wider or taller picture the
/// square is in the middle, and its edges go on outward. Shapes keep their form, and nothing is cut off.
pub(super) fn extended(square: &Picture, size: Size) -> Option<Picture> {
    let shorter = size.width.min(size.height);
    if size.width == size.height {
        return Some(square.resized(shorter, shorter));
    }
    let inside =
        (square.width() - 2 * FRAME.min(square.width() / 4), square.height() - 2 * FRAME.min(square.height() / 4));
    let corner = ((square.width() - inside.0) / 2, (square.height() - inside.1) / 2);
    let square = square.cropped(corner, inside).resized(shorter, shorter);
    let (left, top) = ((size.width - shorter) / 2, (size.height - shorter) / 2);
    let at = |x: u32, offset: u32| x.saturating_sub(offset).min(shorter - 1) as usize;
    let mut pixels = Vec::with_capacity(size.width as usize * size.height as usize * 3);
    for y in 0..size.height {
        let row = &square.pixels()[at(y, top) * shorter as usize * 3..][..shorter as usize * 3];
        for x in 0..size.width {
            pixels.extend_from_slice(&row[at(x, left) * 3..][..3]);
        }
    }
    Picture::new(size.width, size.height, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_picture_has_the_square_in_the_middle_and_its_edges_outward() {
        let square = Picture::new(2, 2, [[1; 3], [2; 3], [3; 3], [4; 3]].concat()).unwrap();
        let wide = extended(&square, Size { width: 6, height: 2 }).unwrap();
        let row: Vec<u8> = wide.pixels().iter().step_by(3).copied().take(6).collect();
        assert_eq!(row, [1, 1, 1, 2, 2, 2]);
        let tall = extended(&square, Size { width: 2, height: 5 }).unwrap();
        let column: Vec<u8> = tall.pixels().iter().step_by(6).copied().collect();
        assert_eq!(column, [1, 1, 3, 3, 3]);
    }

    #[test]
    fn a_size_is_held_within_the_limits_and_keeps_its_proportions() {
        let held = |width, height| Size { width, height }.held();
        assert_eq!(held(4096, 2048), Size { width: 2048, height: 1024 });
        assert_eq!(held(16, 32), Size { width: 64, height: 128 });
        assert_eq!(held(300, 200), Size { width: 300, height: 200 });
    }
}
