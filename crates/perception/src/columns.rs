//! What lies under a convolution's kernel at each of its places, as the rows of a matrix.

use rayon::prelude::*;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub pad: (usize, usize),
}

impl Grid {
    /// Height and width of what a convolution makes of a picture of this size.
    pub fn size(&self, (height, width): (usize, usize)) -> (usize, usize) {
        let side = |side: usize, kernel: usize, stride: usize, pad: usize| {
            (side + 2 * pad).checked_sub(kernel).map_or(0, |room| room / stride + 1)
        };
        (side(height, self.kernel.0, self.stride.0, self.pad.0), side(width, self.kernel.1, self.stride.1, self.pad.1))
    }
}

/// One row for each place, in the order (channel, kernel row, kernel column); zero outside the picture.
pub(crate) fn columns(x: &[f32], channels: usize, from: (usize, usize), grid: Grid) -> (Vec<f32>, (usize, usize)) {
    let (height, width) = from;
    let size = grid.size(from);
    let depth = channels * grid.kernel.0 * grid.kernel.1;
    let mut rows = vec![0.0; size.0 * size.1 * depth];
    rows.par_chunks_mut((size.1 * depth).max(1)).enumerate().for_each(|(down, line)| {
        for (across, row) in line.chunks_exact_mut(depth).enumerate() {
            let (top, left) = (down * grid.stride.0, across * grid.stride.1);
            // The kernel's columns that are inside the picture.
            let first = grid.pad.1.saturating_sub(left).min(grid.kernel.1);
            let last = (width + grid.pad.1).saturating_sub(left).min(grid.kernel.1).max(first);
            for (n, tap) in row.chunks_exact_mut(grid.kernel.1).enumerate() {
                let (channel, y) = (n / grid.kernel.0, top + n % grid.kernel.0);
                let Some(y) = y.checked_sub(grid.pad.0).filter(|y| *y < height) else { continue };
                let start = (channel * height + y) * width + left + first - grid.pad.1;
                tap[first..last].copy_from_slice(&x[start..][..last - first]);
            }
        }
    });
    (rows, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_what_the_kernel_covers() {
        let picture: Vec<f32> = (1..=9_i16).map(f32::from).collect();
        let grid = Grid { kernel: (2, 2), stride: (2, 2), pad: (1, 1) };
        let (rows, size) = columns(&picture, 1, (3, 3), grid);
        assert_eq!(size, (2, 2));
        let expected = [[0., 0., 0., 1.], [0., 0., 2., 3.], [0., 4., 0., 7.], [5., 6., 8., 9.]];
        assert_eq!(rows, expected.concat());
    }

    #[test]
    fn a_kernel_wider_than_the_picture_and_its_padding_covers_nothing() {
        let grid = Grid { kernel: (1, 5), stride: (1, 1), pad: (0, 1) };
        assert_eq!(columns(&[1.0, 2.0], 1, (1, 2), grid).1, (1, 0));
    }
}
