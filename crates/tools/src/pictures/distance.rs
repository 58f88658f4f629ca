//! Exact distances to the nearest pixel of a kind, in time that does not grow with them.
//!
//! Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions: the lower envelope of parabolas, first along
//! columns, then along rows.

/// Squared distance of each pixel to the nearest for which `near` is true; infinite where there is none.
pub(super) fn squared(near: impl Iterator<Item = bool>, (width, height): (u32, u32)) -> Vec<f32> {
    let (width, height) = (width as usize, height as usize);
    let mut far: Vec<f32> = near.map(|near| if near { 0.0 } else { f32::INFINITY }).collect();
    let mut envelope = Envelope::default();
    let mut line = vec![0.0; width.max(height)];
    for column in 0..width {
        let line = &mut line[..height];
        for (value, row) in line.iter_mut().zip(far.chunks_exact(width)) {
            *value = row[column];
        }
        envelope.lower(line, |at, value| far[at * width + column] = value);
    }
    for row in far.chunks_exact_mut(width) {
        let line = &mut line[..width];
        line.copy_from_slice(row);
        envelope.lower(line, |at, value| row[at] = value);
    }
    far
}

/// Parabolas of which each is the lowest somewhere, from left to right.
#[derive(Default)]
struct Envelope {
    middles: Vec<usize>,
    /// From where on each is the lowest.
    starts: Vec<f64>,
}

impl Envelope {
    fn lower(&mut self, line: &[f32], mut put: impl FnMut(usize, f32)) {
        self.middles.clear();
        self.starts.clear();
        for at in (0..line.len()).filter(|at| line[*at].is_finite()) {
            let mut start = f64::NEG_INFINITY;
            while let (Some(last), Some(from)) = (self.middles.last().copied(), self.starts.last().copied()) {
                start = crossing(line, last, at);
                if start > from {
                    break;
                }
                self.middles.pop();
                self.starts.pop();
                start = f64::NEG_INFINITY;
            }
            self.middles.push(at);
            self.starts.push(start);
        }
        if self.middles.is_empty() {
            return;
        }
        let mut lowest = 0;
        for at in 0..line.len() {
            while self.starts.get(lowest + 1).is_some_and(|start| *start < at as f64) {
                lowest += 1;
            }
            let middle = self.middles[lowest];
            put(at, at.abs_diff(middle).pow(2) as f32 + line[middle]);
        }
    }
}

/// Where two parabolas meet.
fn crossing(line: &[f32], left: usize, right: usize) -> f64 {
    let height = |at: usize| f64::from(line[at]) + (at as f64).powi(2);
    (height(right) - height(left)) / (2.0 * (right - left) as f64)
}

/// What lies within `reach` of a shape, with soft edges, on a field that is larger by `edge` on each side: its size, and
/// the coverage of its pixels. The shape is where `alpha` is more than half.
pub(super) fn outline(alpha: &[u8], (width, height): (u32, u32), reach: f32, edge: u32) -> ((u32, u32), Vec<u8>) {
    let size = (width + 2 * edge, height + 2 * edge);
    let inside = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x.wrapping_sub(edge), y.wrapping_sub(edge))));
    let near = inside.map(|(x, y)| x < width && y < height && alpha[(y * width + x) as usize] >= 128);
    let soft = |squared: f32| ((reach + 0.5 - squared.sqrt()).clamp(0.0, 1.0) * 255.0).round() as u8;
    (size, squared(near, size).into_iter().map(soft).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_that_one_finds_by_trying_all() {
        let (width, height) = (23, 17);
        let near: Vec<bool> = (0..width * height).map(|at| at * at % 61 == 3).collect();
        let found = squared(near.iter().copied(), (width as u32, height as u32));
        for (at, found) in found.into_iter().enumerate() {
            let to = |other: usize| {
                (at % width).abs_diff(other % width).pow(2) + (at / width).abs_diff(other / width).pow(2)
            };
            let nearest = (0..near.len()).filter(|other| near[*other]).map(to).min().unwrap();
            assert!((found - nearest as f32).abs() < f32::EPSILON, "{at}: {found} {nearest}");
        }
    }

    #[test]
    fn nothing_is_infinitely_far_from_everything() {
        assert!(squared([false; 6].into_iter(), (3, 2)).iter().all(|far| far.is_infinite()));
        assert_eq!(squared([true].into_iter(), (1, 1)), [0.0]);
    }

    #[test]
    fn an_outline_is_wider_than_its_shape_by_its_reach() {
        let ((width, height), coverage) = outline(&[255], (1, 1), 2.0, 3);
        assert_eq!((width, height), (7, 7));
        let row: Vec<u8> = coverage[21..28].to_vec();
        assert_eq!(row, [0, 128, 255, 255, 255, 128, 0]);
    }
}
