//! A rising curve of rational quadratic pieces, followed backwards. Outside its bound it is the diagonal.

const LEAST: f32 = 1e-3;

/// The place at which the curve has this height. `slopes` are those between the pieces.
pub fn back(height: f32, widths: &[f32], heights: &[f32], slopes: &[f32], bound: f32) -> f32 {
    if !(-bound..=bound).contains(&height) {
        return height;
    }
    let (across, up) = (edges(widths, bound), edges(heights, bound));
    let count = widths.len();
    let piece = (1..count).rev().find(|n| height >= up[*n]).unwrap_or(0);
    // At the ends the slope is that of the diagonal.
    let slope = |n: usize| if n == 0 || n == count { 1.0 } else { LEAST + softplus(slopes[n - 1]) };
    let (left, right) = (slope(piece), slope(piece + 1));
    let (wide, high) = (across[piece + 1] - across[piece], up[piece + 1] - up[piece]);
    let steepness = high / wide;
    let rise = height - up[piece];
    let bend = rise * (left + right - 2.0 * steepness);
    let (a, b, c) = (high * (steepness - left) + bend, high * left - bend, -steepness * rise);
    let root = 2.0 * c / (-b - (b * b - 4.0 * a * c).max(0.0).sqrt());
    root * wide + across[piece]
}

/// From `-bound` to `bound`, in steps whose sizes are a softmax, none of them vanishing.
fn edges(sizes: &[f32], bound: f32) -> Vec<f32> {
    let top = sizes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let parts: Vec<f32> = sizes.iter().map(|size| (size - top).exp()).collect();
    let (sum, room) = (parts.iter().sum::<f32>(), 1.0 - LEAST * sizes.len() as f32);
    let mut edges = vec![-bound];
    let mut reached = 0.0;
    for part in parts {
        reached += LEAST + room * part / sum;
        edges.push(2.0 * bound * reached - bound);
    }
    edges[sizes.len()] = bound;
    edges
}

fn softplus(x: f32) -> f32 {
    if x > 20.0 { x } else { x.exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_curve_changes_nothing() {
        // The slope that softplus makes of this is one.
        let even = ((1.0_f32 - LEAST).exp() - 1.0).ln();
        for height in [-7.0, -5.0, -4.9, -0.3, 0.0, 2.5, 5.0, 5.1] {
            let found = back(height, &[0.0; 4], &[0.0; 4], &[even; 3], 5.0);
            assert!((found - height).abs() < 1e-4, "{found} is not {height}");
        }
    }

    #[test]
    fn the_curve_rises_whatever_its_shape() {
        let (widths, heights, slopes) = ([3.0, -2.0, 0.5], [-1.0, 4.0, 0.0], [-3.0, 6.0]);
        let found: Vec<f32> = (0..=100).map(|n| back(-5.0 + 0.1 * n as f32, &widths, &heights, &slopes, 5.0)).collect();
        assert!(found.windows(2).all(|pair| pair[0] <= pair[1] + 1e-5), "{found:?}");
    }
}
