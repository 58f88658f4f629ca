//! Whole rows of an image, and what lies under the kernel at each of their pixels.

use crate::matrix::View;

/// Most values in a tile's columns: what leaves room for the weight in a core's own cache.
const VALUES: usize = 160 * 1024;

#[derive(Clone, Copy)]
pub(super) struct Geometry {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub kernel: usize,
}

/// Rows `top..bottom` of an image.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    top: usize,
    bottom: usize,
}

impl Geometry {
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Values under the kernel at one pixel.
    pub fn depth(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    fn tile_rows(&self) -> usize {
        let most = (VALUES / (self.depth() * self.width)).clamp(1, self.height);
        // Tiles of one size keep all threads, and the product's inner loop, evenly busy.
        (most.div_ceil(2)..=most).rev().find(|&rows| self.height.is_multiple_of(rows)).unwrap_or(most)
    }

    /// Of every tile but the last, which may be smaller.
    pub fn tile_pixels(&self) -> usize {
        self.tile_rows() * self.width
    }

    pub fn tiles(&self) -> Vec<Tile> {
        let rows = self.tile_rows();
        (0..self.height).step_by(rows).map(|top| Tile { top, bottom: (top + rows).min(self.height) }).collect()
    }
}

impl Tile {
    fn pixels(&self, geometry: Geometry) -> usize {
        (self.bottom - self.top) * geometry.width
    }

    /// Where the tile's pixels lie in a channel.
    pub fn range(&self, geometry: Geometry) -> std::ops::Range<usize> {
        self.top * geometry.width..self.bottom * geometry.width
    }

    /// A matrix of (channel, kernel row, kernel column) by pixel. `space` holds it, unless the kernel is a
    /// single pixel: then it is the image itself.
    pub fn columns<'a>(&self, geometry: Geometry, image: &'a [f32], space: &'a mut Vec<f32>) -> View<'a> {
        let (pixels, depth) = (self.pixels(geometry), geometry.depth());
        if geometry.kernel == 1 {
            return View::strided(&image[self.top * geometry.width..], depth, pixels, geometry.pixels());
        }
        space.resize(depth * pixels, 0.0);
        let (kernel, taps) = (geometry.kernel, geometry.kernel * geometry.kernel);
        for (row, out) in space.chunks_exact_mut(pixels).enumerate() {
            let channel = &image[row / taps * geometry.pixels()..][..geometry.pixels()];
            self.shifted(geometry, channel, (row % taps / kernel, row % kernel), out);
        }
        View::new(space, depth, pixels)
    }

    /// The tile of one channel as seen through one tap of the kernel; zero outside the image.
    fn shifted(&self, geometry: Geometry, channel: &[f32], (down, across): (usize, usize), out: &mut [f32]) {
        let (width, pad) = (geometry.width, geometry.kernel / 2);
        // Columns `left..right` of the output have a pixel under this tap.
        let left = pad.saturating_sub(across).min(width);
        let right = (width + pad).saturating_sub(across).min(width).max(left);
        for (y, out) in (self.top..self.bottom).zip(out.chunks_exact_mut(width)) {
            let source = (y + down).checked_sub(pad).filter(|&source| source < geometry.height);
            match source {
                Some(source) if left < right => {
                    out[..left].fill(0.0);
                    out[right..].fill(0.0);
                    let start = source * width + left + across - pad;
                    out[left..right].copy_from_slice(&channel[start..][..right - left]);
                }
                _ => out.fill(0.0),
            }
        }
    }
}
