//! Pixels in memory.

/// An RGB picture, 8 bits a channel, rows from the top, no padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Picture {
    /// `pixels` holds `width * height * 3` bytes; `None` if it does not, or if a side is zero.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let expected = u128::from(width) * u128::from(height) * 3;
        (expected > 0 && expected == pixels.len() as u128).then_some(Self { width, height, pixels })
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

    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// Scales to exactly `width` by `height`, with a Lanczos filter (widened when it shrinks, so that
    /// nothing aliases). The proportions are the caller's to keep. A side of zero is taken as one.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let pixels = crate::resize::resize::<3>(&self.pixels, (self.width, self.height), (width, height));
        Self { width, height, pixels }
    }

    /// The largest centred part with the proportions of `width` to `height`, scaled to them.
    #[must_use]
    pub fn covering(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let by_height = u64::from(self.height) * u64::from(width) / u64::from(height);
        let by_width = u64::from(self.width) * u64::from(height) / u64::from(width);
        let part = if by_height <= u64::from(self.width) {
            (by_height.max(1) as u32, self.height)
        } else {
            (self.width, by_width.clamp(1, u64::from(self.height)) as u32)
        };
        let corner = ((self.width - part.0) / 2, (self.height - part.1) / 2);
        self.cropped(corner, part).resized(width, height)
    }

    /// The part of `size` whose top left corner is `corner`, cut off at the edges.
    #[must_use]
    pub fn cropped(&self, corner: (u32, u32), size: (u32, u32)) -> Self {
        let left = corner.0.min(self.width - 1);
        let top = corner.1.min(self.height - 1);
        let width = size.0.clamp(1, self.width - left);
        let height = size.1.clamp(1, self.height - top);
        let row = |y: u32| {
            let start = (y as usize * self.width as usize + left as usize) * 3;
            &self.pixels[start..start + width as usize * 3]
        };
        let pixels = (top..top + height).flat_map(row).copied().collect();
        Self { width, height, pixels }
    }

    /// Brightness (Rec. 601) as a mask: white is 255.
    pub fn to_mask(&self) -> Mask {
        let luma = |pixel: &[u8]| {
            let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            ((red * 299 + green * 587 + blue * 114 + 500) / 1000) as u8
        };
        let values = self.pixels.chunks_exact(3).map(luma).collect();
        Mask { width: self.width, height: self.height, values }
    }
}

/// One channel, 8 bits: 255 where the model shall paint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    values: Vec<u8>,
}

impl Mask {
    pub const fn width(&self) -> u32 {
        self.width
    }

    pub const fn height(&self) -> u32 {
        self.height
    }

    pub fn values(&self) -> &[u8] {
        &self.values
    }

    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let values = crate::resize::resize::<1>(&self.values, (self.width, self.height), (width, height));
        Self { width, height, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A white square in the middle of a black picture.
    fn framed(width: u32, height: u32) -> Picture {
        let white = |x: u32, y: u32| x.abs_diff(width / 2) < 4 && y.abs_diff(height / 2) < 4;
        let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [if white(x, y) { 255 } else { 0 }; 3]));
        Picture::new(width, height, pixels.collect()).unwrap()
    }

    #[test]
    fn pixels_must_fit_the_size() {
        assert!(Picture::new(2, 2, vec![0; 11]).is_none());
        assert!(Picture::new(0, 2, vec![]).is_none());
        assert!(Picture::new(u32::MAX, u32::MAX, vec![]).is_none());
    }

    #[test]
    fn covering_keeps_the_middle_and_the_proportions() {
        for (width, height) in [(100, 40), (40, 100), (64, 64)] {
            let covered = framed(width, height).covering(20, 20);
            assert_eq!((covered.width(), covered.height()), (20, 20));
            assert!(covered.pixels()[(10 * 20 + 10) * 3] > 200, "{width}x{height}");
            assert!(covered.pixels()[0] < 50, "{width}x{height}");
        }
    }

    #[test]
    fn a_crop_is_cut_off_at_the_edges() {
        let cropped = framed(10, 10).cropped((8, 9), (50, 50));
        assert_eq!((cropped.width(), cropped.height()), (2, 1));
    }

    #[test]
    fn a_mask_is_brightness() {
        let picture = Picture::new(2, 1, vec![255, 255, 255, 255, 0, 0]).unwrap();
        assert_eq!(picture.to_mask().values(), [255, 76]);
    }
}
