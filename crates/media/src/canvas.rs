//! Pixels with transparency.

use crate::{Filter, Mask, Picture, resize::resize_by};

/// An RGBA picture, 8 bits a channel, rows from the top, no padding; colours are not multiplied by their alpha.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Canvas {
    /// `pixels` holds `width * height * 4` bytes; `None` if it does not, or if a side is zero.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let expected = u128::from(width) * u128::from(height) * 4;
        (expected > 0 && expected == pixels.len() as u128).then_some(Self { width, height, pixels })
    }

    /// Of one colour. A side of zero is taken as one.
    pub fn filled(width: u32, height: u32, colour: [u8; 4]) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, pixels: colour.repeat(width as usize * height as usize) }
    }

    pub const fn width(&self) -> u32 {
        self.width
    }

    pub const fn height(&self) -> u32 {
        self.height
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    pub fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let at = self.at(x, y);
        [0, 1, 2, 3].map(|channel| self.pixels[at + channel])
    }

    pub fn opaque(&self) -> bool {
        self.pixels.chunks_exact(4).all(|pixel| pixel[3] == 255)
    }

    /// Laid over a colour.
    pub fn over(&self, colour: [u8; 3]) -> Picture {
        let blend = |value: u8, below: u8, alpha: u8| {
            let [value, below, alpha] = [value, below, alpha].map(u32::from);
            ((value * alpha + below * (255 - alpha) + 127) / 255) as u8
        };
        let pixels = self.pixels.chunks_exact(4);
        let pixels = pixels.flat_map(|pixel| [0, 1, 2].map(|at| blend(pixel[at], colour[at], pixel[3]))).collect();
        Picture::new(self.width, self.height, pixels).expect("as many pixels as before")
    }

    /// Brightness over black as a mask: white is 255.
    pub fn to_mask(&self) -> Mask {
        self.over([0; 3]).to_mask()
    }

    /// Scales to exactly `width` by `height`. A side of zero is taken as one.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32, filter: Filter) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let scale = |samples: &[u8]| resize_by::<4>(samples, (self.width, self.height), (width, height), filter);
        if filter == Filter::Nearest || self.opaque() {
            return Self { width, height, pixels: scale(&self.pixels) };
        }
        // The colour of what cannot be seen must not bleed into what can.
        let mut premultiplied = self.pixels.clone();
        each_pixel(&mut premultiplied, |value, alpha| (value * alpha + 127) / 255);
        let mut pixels = scale(&premultiplied);
        each_pixel(&mut pixels, |value, alpha| (value * 255 + alpha / 2).checked_div(alpha).unwrap_or(0).min(255));
        Self { width, height, pixels }
    }

    /// The part of `size` whose top left corner is `corner`, cut off at the edges.
    #[must_use]
    pub fn cropped(&self, corner: (u32, u32), size: (u32, u32)) -> Self {
        let (left, top) = (corner.0.min(self.width - 1), corner.1.min(self.height - 1));
        let (width, height) = (size.0.clamp(1, self.width - left), size.1.clamp(1, self.height - top));
        let row = |y: u32| &self.pixels[self.at(left, y)..][..width as usize * 4];
        Self { width, height, pixels: (top..top + height).flat_map(row).copied().collect() }
    }

    /// Lays another over this one, its top left corner at `place`, which may be outside; `opacity` from 0 to 1.
    pub fn lay(&mut self, other: &Self, place: (i64, i64), opacity: f32) {
        let span = |place: i64, side: u32, room: u32| {
            let first = (-place).clamp(0, i64::from(side));
            (first as u32, (i64::from(room) - place).clamp(first, i64::from(side)) as u32)
        };
        let (left, right) = span(place.0, other.width, self.width);
        let (top, bottom) = span(place.1, other.height, self.height);
        let opacity = (opacity.clamp(0.0, 1.0) * 255.0).round() as u32;
        for y in top..bottom {
            let row = (i64::from(y) + place.1) as u32;
            for x in left..right {
                let at = self.at((i64::from(x) + place.0) as u32, row);
                let above = other.at(x, y);
                blend(&mut self.pixels[at..at + 4], &other.pixels[above..above + 4], opacity);
            }
        }
    }

    /// One colour through a stencil of coverage (0 to 255) over this canvas, at `place`.
    pub fn tint(&mut self, (x, y): (i64, i64), colour: [u8; 4], coverage: u8) {
        let inside = (0..i64::from(self.width)).contains(&x) && (0..i64::from(self.height)).contains(&y);
        if inside {
            let at = self.at(x as u32, y as u32);
            blend(&mut self.pixels[at..at + 4], &colour, u32::from(coverage));
        }
    }

    fn at(&self, x: u32, y: u32) -> usize {
        (y as usize * self.width as usize + x as usize) * 4
    }
}

impl From<&Picture> for Canvas {
    fn from(picture: &Picture) -> Self {
        let pixels = picture.pixels().chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
        Self { width: picture.width(), height: picture.height(), pixels }
    }
}

impl From<&Mask> for Canvas {
    fn from(mask: &Mask) -> Self {
        let pixels = mask.values().iter().flat_map(|value| [*value, *value, *value, 255]).collect();
        Self { width: mask.width(), height: mask.height(), pixels }
    }
}

fn each_pixel(pixels: &mut [u8], change: impl Fn(u32, u32) -> u32) {
    for pixel in pixels.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        for value in &mut pixel[..3] {
            *value = change(u32::from(*value), alpha) as u8;
        }
    }
}

/// `above` over `below`, as Porter and Duff have it. `opacity` from 0 to 255.
fn blend(below: &mut [u8], above: &[u8], opacity: u32) {
    let alpha = (u32::from(above[3]) * opacity + 127) / 255;
    if alpha == 0 {
        return;
    }
    let under = (u32::from(below[3]) * (255 - alpha) + 127) / 255;
    let whole = alpha + under;
    for channel in 0..3 {
        let sum = u32::from(above[channel]) * alpha + u32::from(below[channel]) * under;
        below[channel] = ((sum + whole / 2) / whole) as u8;
    }
    below[3] = whole as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_does_not_bleed_when_scaled() {
        let mut canvas = Canvas::filled(8, 1, [255, 0, 0, 0]);
        canvas.pixels_mut()[16..].copy_from_slice(&[0, 0, 255, 255].repeat(4));
        let small = canvas.resized(3, 1, Filter::Bilinear);
        assert_eq!(small.pixel(2, 0), [0, 0, 255, 255]);
        assert_eq!(small.pixel(1, 0)[..3], [0, 0, 255], "no red from the transparent half");
        assert!((100..156).contains(&small.pixel(1, 0)[3]));
    }

    #[test]
    fn laying_blends_and_cuts_off_at_the_edges() {
        let mut below = Canvas::filled(4, 4, [0, 0, 0, 255]);
        below.lay(&Canvas::filled(4, 4, [255, 255, 255, 255]), (2, -3), 0.5);
        assert_eq!(below.pixel(2, 0), [128, 128, 128, 255]);
        assert_eq!((below.pixel(1, 0), below.pixel(2, 1)), ([0, 0, 0, 255], [0, 0, 0, 255]));
        below.lay(&Canvas::filled(1, 1, [255; 4]), (i64::MIN / 2, i64::MAX / 2), 1.0);
        let mut clear = Canvas::filled(1, 1, [9, 9, 9, 0]);
        clear.lay(&Canvas::filled(1, 1, [200, 100, 50, 100]), (0, 0), 1.0);
        assert_eq!(clear.pixel(0, 0), [200, 100, 50, 100], "a colour over nothing is itself");
    }

    #[test]
    fn nearest_keeps_every_value() {
        let mut canvas = Canvas::filled(2, 1, [10, 20, 30, 40]);
        canvas.pixels_mut()[4..].copy_from_slice(&[50, 60, 70, 80]);
        let wide = canvas.resized(4, 1, Filter::Nearest);
        assert_eq!((wide.pixel(1, 0), wide.pixel(2, 0)), ([10, 20, 30, 40], [50, 60, 70, 80]));
    }
}
