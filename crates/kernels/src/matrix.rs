//! Matrices inside slices, and their product. The only unsafe code of the crate: everything that could
//! reach outside a slice is checked here.
#![expect(
    unsafe_code,
    reason = "the matrix product takes pointers, and blocks of one matrix are written by many threads"
)]

use std::marker::PhantomData;

/// A matrix to read.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Rows of `columns` values, each `row_stride` after the one before.
    pub fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            rows == 0 || columns == 0 || (rows - 1) * row_stride + columns <= data.len(),
            "a view stays in its slice"
        );
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// `count` of its rows.
    pub fn rows_from(self, first: usize, count: usize) -> Self {
        assert!(first + count <= self.rows, "rows stay in their view");
        Self { data: &self.data[first * self.row_stride..], rows: count, ..self }
    }

    /// The rows of a matrix that was not transposed.
    pub fn rows(self) -> impl ExactSizeIterator<Item = &'a [f32]> {
        assert_eq!(self.column_stride, 1, "rows are contiguous");
        (0..self.rows).map(move |row| &self.data[row * self.row_stride..][..self.columns])
    }

    pub fn transposed(self) -> Self {
        let Self { data, rows, columns, row_stride, column_stride } = self;
        Self { data, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }
}

/// A block of a matrix to write.
pub(crate) struct Block<'a> {
    start: *mut f32,
    rows: usize,
    columns: usize,
    row_stride: usize,
    matrix: PhantomData<&'a mut [f32]>,
}

// SAFETY: a block is the only way to its values (see `new` and `blocks`), as a `&mut [f32]` would be.
unsafe impl Send for Block<'_> {}

impl<'a> Block<'a> {
    /// A whole matrix.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(rows * columns, data.len(), "a block covers its slice");
        Self { start: data.as_mut_ptr(), rows, columns, row_stride: columns, matrix: PhantomData }
    }

    /// Cuts the block into blocks of at most `rows` by `columns`, row by row.
    pub fn split(self, rows: usize, columns: usize) -> Vec<Self> {
        assert!(rows > 0 && columns > 0, "blocks have a size");
        let corner = |top, left| {
            let (rows, columns) = (rows.min(self.rows - top), columns.min(self.columns - left));
            // SAFETY: `top` and `left` are inside the block, so the corner is inside its allocation.
            let start = unsafe { self.start.add(top * self.row_stride + left) };
            Self { start, rows, columns, row_stride: self.row_stride, matrix: PhantomData }
        };
        let lefts = || (0..self.columns).step_by(columns);
        // No two of these share a value, and `self` is gone, so each remains the only way to its values.
        (0..self.rows)
            .step_by(rows)
            .flat_map(|top| lefts().map(move |left| (top, left)))
            .map(|(t, l)| corner(t, l))
            .collect()
    }

    /// Cuts the block into `count` blocks (or as many as it has rows): of every `count`-th row from the first on, from the
    /// second on, and so forth.
    pub fn interleaved(self, count: usize) -> Vec<Self> {
        assert!(count > 0, "blocks have a size");
        let row_stride = self.row_stride * count;
        let from = |top: usize| {
            // SAFETY: `top` is a row of the block, so its beginning is inside the allocation.
            let start = unsafe { self.start.add(top * self.row_stride) };
            let rows = (self.rows - top).div_ceil(count);
            Self { start, rows, columns: self.columns, row_stride, matrix: PhantomData }
        };
        // No two of these share a row, and `self` is gone, so each remains the only way to its values.
        (0..count.min(self.rows)).map(from).collect()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "a row stays in its block");
        // SAFETY: the row is inside the block, and the block is the only way to it while it is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.row_stride), self.columns) }
    }

    /// `scale` times the product, in place of what the block held or added to it. On the calling thread alone.
    pub fn multiply(&mut self, add: bool, scale: f32, left: View<'_>, right: View<'_>) {
        assert_eq!((self.rows, self.columns, left.columns), (left.rows, right.columns, right.rows), "shapes agree");
        let stride = |stride: usize| isize::try_from(stride).expect("a slice is shorter than isize::MAX");
        // SAFETY: all three matrices lie inside their slices (checked when they were made), and what is
        // written is borrowed exclusively.
        unsafe {
            gemm::gemm(
                self.rows,
                self.columns,
                left.columns,
                self.start,
                1,
                stride(self.row_stride),
                add,
                left.data.as_ptr(),
                stride(left.column_stride),
                stride(left.row_stride),
                right.data.as_ptr(),
                stride(right.column_stride),
                stride(right.row_stride),
                1.0,
                scale,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_written_block_by_block() {
        let left: Vec<f32> = (0..6_i16).map(f32::from).collect();
        let right: Vec<f32> = (0..12_i16).map(f32::from).collect();
        let mut out = vec![1.0; 8];
        for (n, mut block) in Block::new(&mut out, 2, 4).split(1, 2).into_iter().enumerate() {
            let (top, first) = (n / 2, n % 2 * 2);
            let right = View::strided(&right[first..], 3, 2, 4);
            block.multiply(true, 2.0, View::new(&left[top * 3..][..3], 1, 3), right);
        }
        assert_eq!(out, [41.0, 47.0, 53.0, 59.0, 113.0, 137.0, 161.0, 185.0]);
    }

    #[test]
    #[should_panic(expected = "a view stays in its slice")]
    fn a_view_that_would_leave_its_slice_is_refused() {
        View::strided(&[0.0; 10], 2, 5, 6);
    }
}
