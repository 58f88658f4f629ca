//! Islands and holes of a mask.

/// Fills holes and takes away islands of fewer than `least` pixels; the largest island stays, however small.
pub fn clean(mask: &mut [bool], width: usize, least: usize) {
    if least < 2 {
        return;
    }
    for hole in parts(mask, width, false) {
        if hole.len() < least {
            for pixel in hole {
                mask[pixel] = true;
            }
        }
    }
    let islands = parts(mask, width, true);
    let largest = islands.iter().map(Vec::len).max().unwrap_or(0);
    for island in islands {
        if island.len() < least && island.len() < largest {
            for pixel in island {
                mask[pixel] = false;
            }
        }
    }
}

/// The pixels of each part in which all have this value and touch, corners included.
fn parts(mask: &[bool], width: usize, value: bool) -> Vec<Vec<usize>> {
    let height = mask.len() / width.max(1);
    let mut taken = vec![false; mask.len()];
    let mut parts = Vec::new();
    for start in 0..mask.len() {
        if taken[start] || mask[start] != value {
            continue;
        }
        taken[start] = true;
        let (mut part, mut next) = (vec![start], 0);
        while let Some(&pixel) = part.get(next) {
            next += 1;
            let (x, y) = (pixel % width, pixel / width);
            for near_y in y.saturating_sub(1)..(y + 2).min(height) {
                for near_x in x.saturating_sub(1)..(x + 2).min(width) {
                    let near = near_y * width + near_x;
                    if !taken[near] && mask[near] == value {
                        taken[near] = true;
                        part.push(near);
                    }
                }
            }
        }
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(rows: &[&str], least: usize) -> Vec<String> {
        let width = rows[0].len();
        let mut mask: Vec<bool> = rows.iter().flat_map(|row| row.bytes().map(|byte| byte == b'#')).collect();
        clean(&mut mask, width, least);
        mask.chunks(width).map(|row| row.iter().map(|is| if *is { '#' } else { '.' }).collect()).collect()
    }

    #[test]
    fn small_islands_and_holes_go() {
        let rows = ["###....", "#.#....", "###..#.", "......."];
        assert_eq!(cleaned(&rows, 3), ["###....", "###....", "###....", "......."]);
        assert_eq!(cleaned(&rows, 1), rows);
    }

    #[test]
    fn the_largest_island_stays_however_small() {
        assert_eq!(cleaned(&["##...", "....#", "....."], 9), ["##...", ".....", "....."]);
    }
}
