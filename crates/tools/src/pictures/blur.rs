//! Gaussian blur, as three box blurs in a row: the time does not grow with the radius.

/// Boxes that make a bell: three are hard to tell from the true curve.
const BOXES: f32 = 3.0;

/// `deviation`: the standard deviation in pixels. What is beyond the picture counts as its edge.
pub(super) fn gaussian(values: &mut [f32], (width, height): (u32, u32), deviation: f32) {
    if deviation <= 0.0 {
        return;
    }
    let (width, height) = (width as usize, height as usize);
    let reach = reach(deviation);
    let mut line = vec![0.0; width.max(height)];
    for _ in 0..BOXES as usize {
        for row in values.chunks_exact_mut(width) {
            let line = &mut line[..width];
            line.copy_from_slice(row);
            smooth(line, reach, |at, value| row[at] = value);
        }
        for column in 0..width {
            let line = &mut line[..height];
            for (value, row) in line.iter_mut().zip(values.chunks_exact(width)) {
                *value = row[column];
            }
            smooth(line, reach, |at, value| values[at * width + column] = value);
        }
    }
}

/// How far a box reaches to either side, with a fraction for its outermost samples, so that three of them together have
/// the wanted deviation.
fn reach(deviation: f32) -> f32 {
    let variance = deviation * deviation / BOXES;
    let whole = (((12.0 * variance + 1.0).sqrt() - 1.0) / 2.0).floor();
    let part = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance)
        / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)));
    whole + part
}

/// The mean over `reach` samples to either side of each.
fn smooth(line: &[f32], reach: f32, mut put: impl FnMut(usize, f32)) {
    let (whole, part) = (reach.floor() as i64, reach.fract());
    let last = line.len() as i64 - 1;
    let value = |at: i64| line[at.clamp(0, last) as usize];
    let share = 1.0 / (2.0 * reach + 1.0);
    // Sums of a long line in single precision would drift.
    let mut sum: f64 = (-whole..=whole).map(|at| f64::from(value(at))).sum();
    for at in 0..=last {
        let edges = value(at - whole - 1) + value(at + whole + 1);
        put(at as usize, (sum as f32 + edges * part) * share);
        sum += f64::from(value(at + whole + 1)) - f64::from(value(at - whole));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_bell_of_the_wanted_width() {
        for deviation in [0.7, 2.0, 5.5, 10.0] {
            let (side, middle) = (129, 64);
            let mut values = vec![0.0; side * side];
            values[middle * side + middle] = 1.0;
            gaussian(&mut values, (side as u32, side as u32), deviation);
            let total: f32 = values.iter().sum();
            let variance: f32 =
                values.iter().enumerate().map(|(at, value)| value * ((at % side) as f32 - middle as f32).powi(2)).sum();
            assert!((total - 1.0).abs() < 1e-3, "{deviation}: {total}");
            assert!((variance.sqrt() - deviation).abs() < 0.02 * deviation, "{deviation}: {}", variance.sqrt());
        }
    }

    #[test]
    fn a_plain_surface_stays_plain_beyond_every_edge() {
        for deviation in [0.1, 3.0, 500.0] {
            let mut values = vec![77.0; 15];
            gaussian(&mut values, (5, 3), deviation);
            assert!(values.iter().all(|value| (value - 77.0).abs() < 1e-3), "{values:?}");
        }
    }
}
