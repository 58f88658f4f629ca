//! A stretch of an image's pixels, and what lies under the kernel at each of them.

use std::ops::Range;

use crate::matrix::View;

/// Pixels in a tile, about. With `DEPTH`, what leaves room for the weight in a core's own cache.
const PIXELS: usize = 256;
/// Pixels that the product's inner loop takes at a time: tiles of whole ones keep it busy.
const STEP: usize = 64;
/// Most values under the kernel at one pixel that are laid out and multiplied at a time. The product adds so many in
/// one go whatever the size of the block, if that has two rows and two columns: then a sum is the same however the
/// outputs are shared out.
const DEPTH: usize = 512;

#[derive(Clone, Copy)]
pub(super) struct Geometry {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub kernel: usize,
}

/// Pixels `start..end` of an image, row by row.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    start: usize,
    end: usize,
}

impl Geometry {
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Places under the kernel.
    pub fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Values under the kernel at one pixel.
    pub fn depth(&self) -> usize {
        self.channels * self.taps()
    }

    /// Channels that are multiplied at a time; the last may be fewer.
    pub fn part_channels(&self) -> usize {
        let most = (DEPTH / self.taps()).max(1);
        self.channels.div_ceil(self.channels.div_ceil(most))
    }

    pub fn parts(&self) -> impl Iterator<Item = Range<usize>> {
        let (channels, count) = (self.channels, self.part_channels());
        (0..channels).step_by(count).map(move |first| first..(first + count).min(channels))
    }

    /// Of every tile but the last, which may be smaller.
    pub fn tile_pixels(&self) -> usize {
        let pixels = self.pixels();
        pixels.div_ceil(pixels.div_ceil(PIXELS)).next_multiple_of(STEP).min(pixels)
    }

    pub fn tiles(&self) -> Vec<Tile> {
        let (pixels, count) = (self.pixels(), self.tile_pixels());
        (0..pixels).step_by(count).map(|start| Tile { start, end: (start + count).min(pixels) }).collect()
    }
}

impl Tile {
    /// Where the tile's pixels lie in a channel.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// A matrix of (channel of `part`, kernel row, kernel column) by pixel. `space` holds it, unless the kernel is a
    /// single pixel: then it is the image itself.
    pub fn columns<'a>(
        &self,
        geometry: Geometry,
        image: &'a [f32],
        part: Range<usize>,
        space: &'a mut Vec<f32>,
    ) -> View<'a> {
        let (pixels, taps, count, channels) = (geometry.pixels(), geometry.taps(), self.range().len(), part.len());
        let image = &image[part.start * pixels..part.end * pixels];
        if taps == 1 {
            return View::strided(&image[self.start..], channels, count, pixels);
        }
        space.resize(channels * taps * count, 0.0);
        for (channel, out) in image.chunks_exact(pixels).zip(space.chunks_exact_mut(taps * count)) {
            for (tap, out) in out.chunks_exact_mut(count).enumerate() {
                self.shifted(geometry, channel, (tap / geometry.kernel, tap % geometry.kernel), out);
            }
        }
        View::new(space, channels * taps, count)
    }

    /// The tile of one channel as seen through one tap of the kernel; zero outside the image.
    fn shifted(&self, geometry: Geometry, channel: &[f32], (down, across): (usize, usize), out: &mut [f32]) {
        let (width, pad) = (geometry.width, geometry.kernel / 2);
        // What lies under the tap is so far ahead of the pixel, and behind it.
        let (ahead, behind) = (down * width + across, pad * width + pad);
        let first = behind.saturating_sub(ahead).clamp(self.start, self.end);
        let last = (channel.len() + behind).saturating_sub(ahead).clamp(first, self.end);
        out[..first - self.start].fill(0.0);
        out[last - self.start..].fill(0.0);
        if first < last {
            let source = &channel[first + ahead - behind..last + ahead - behind];
            out[first - self.start..last - self.start].copy_from_slice(source);
        }
        // Beyond the left and the right edge that was the next row, or the one before.
        let left = pad.saturating_sub(across).min(width);
        let right = (width + pad).saturating_sub(across).clamp(left, width);
        for column in (0..left).chain(right..width) {
            let first = (column + width - self.start % width) % width;
            out.iter_mut().skip(first).step_by(width).for_each(|value| *value = 0.0);
        }
    }
}
