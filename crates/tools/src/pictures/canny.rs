//! Canny's edges, as OpenCV finds them: Sobel of three by three, magnitude as the sum of both directions, no smoothing.

use serde_json::{Map, Value};
use tintype_engine::Invalid;
use tintype_media::{Canvas, Encoding, Format, Picture};

use super::{
    call::Call,
    given::{Job, image},
};

/// The tangent of 22.5 degrees in fixed point: what lies flatter is horizontal.
const TANGENT: i64 = 13_573;
const FIXED: u32 = 15;

pub(super) fn plan(input: &Map<String, Value>) -> Result<Job, Invalid> {
    let mut call = Call::new(input);
    call.picture("image_url");
    let low = call.whole("low_threshold", (0, 2040), 100);
    let high = call.whole("high_threshold", (0, 2040), 200);
    call.finish(move |given| {
        let picture = given.picture()?.over([0; 3]);
        let edges = edges(&picture, low.min(high) as i32, low.max(high) as i32);
        let pixels = edges.into_iter().flat_map(|edge| [u8::from(edge) * 255; 3]).collect();
        let edges = Picture::new(picture.width(), picture.height(), pixels).expect("as many pixels as before");
        image(&Canvas::from(&edges), Encoding::new(Format::Png))
    })
}

/// Whether each pixel is on an edge.
fn edges(picture: &Picture, low: i32, high: i32) -> Vec<bool> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let slopes = Slopes::of(picture);
    let mut edges = vec![false; width * height];
    // Edges that are strong by themselves; weaker ones count where they touch them.
    let mut open: Vec<usize> = Vec::new();
    let ridge: Vec<bool> = (0..width * height).map(|at| slopes.is_ridge(at, low)).collect();
    for at in 0..width * height {
        if ridge[at] && slopes.steepness[at] > high {
            edges[at] = true;
            open.push(at);
        }
    }
    while let Some(at) = open.pop() {
        let (x, y) = (at % width, at / width);
        for y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
            for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                let beside = y * width + x;
                if ridge[beside] && !edges[beside] {
                    edges[beside] = true;
                    open.push(beside);
                }
            }
        }
    }
    edges
}

/// How steep the picture is at each pixel and which way: that of the channel that is steepest.
struct Slopes {
    width: usize,
    height: usize,
    across: Vec<i32>,
    down: Vec<i32>,
    steepness: Vec<i32>,
}

impl Slopes {
    fn of(picture: &Picture) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let count = width * height;
        let mut slopes =
            Self { width, height, across: vec![0; count], down: vec![0; count], steepness: vec![-1; count] };
        for at in 0..count {
            for channel in 0..3 {
                let (across, down) = sobel(picture.pixels(), (width, height), (at % width, at / width), channel);
                let steepness = across.abs() + down.abs();
                if steepness > slopes.steepness[at] {
                    (slopes.across[at], slopes.down[at], slopes.steepness[at]) = (across, down, steepness);
                }
            }
        }
        slopes
    }

    /// Steeper than what is before and behind it on the way up.
    fn is_ridge(&self, at: usize, low: i32) -> bool {
        let own = self.steepness[at];
        if own <= low {
            return false;
        }
        let (x, y) = ((at % self.width) as i64, (at / self.width) as i64);
        let (across, down) = (i64::from(self.across[at]), i64::from(self.down[at]));
        let (wide, high) = (across.abs(), down.abs() << FIXED);
        let flat = wide * TANGENT;
        if high < flat {
            own > self.near(x - 1, y) && own >= self.near(x + 1, y)
        } else if high > flat + (wide << (FIXED + 1)) {
            own > self.near(x, y - 1) && own >= self.near(x, y + 1)
        } else {
            let lean = if (across ^ down) < 0 { -1 } else { 1 };
            own > self.near(x - lean, y - 1) && own > self.near(x + lean, y + 1)
        }
    }

    fn near(&self, x: i64, y: i64) -> i32 {
        let inside = (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y);
        if inside { self.steepness[y as usize * self.width + x as usize] } else { 0 }
    }
}

fn sobel(pixels: &[u8], (width, height): (usize, usize), (x, y): (usize, usize), channel: usize) -> (i32, i32) {
    let columns = [x.saturating_sub(1), x, (x + 1).min(width - 1)];
    let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
    let value = |column: usize, row: usize| i32::from(pixels[(rows[row] * width + columns[column]) * 3 + channel]);
    let across = value(2, 0) - value(0, 0) + 2 * (value(2, 1) - value(0, 1)) + value(2, 2) - value(0, 2);
    let down = value(0, 2) - value(0, 0) + 2 * (value(1, 2) - value(1, 0)) + value(2, 2) - value(2, 0);
    (across, down)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `cv2.Canny(picture, 100, 200)` of OpenCV 5.0 makes of the picture below.
    const OPENCV: [&str; 12] = [
        ".................#...#.#",
        "............#...##..#...",
        "...........#....#......#",
        "..........#....##.....##",
        ".........#....##......#.",
        ".......#......#......##.",
        "......#......##.....##..",
        ".....#......##......#...",
        "....#...##.##....#.##.##",
        "..........##...##.##....",
        "##.....####...##.##....#",
        "#...##.#....#.#..#..#.##",
    ];

    fn picture(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Picture {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Picture::new(width, height, pixels.flat_map(|(x, y)| [value(x, y); 3]).collect()).unwrap()
    }

    #[test]
    fn a_square_has_a_thin_closed_edge() {
        let square = picture(20, 20, |x, y| if (5..15).contains(&x) && (5..15).contains(&y) { 255 } else { 0 });
        let edges = edges(&square, 100, 200);
        for y in 0..20 {
            let row: Vec<usize> = (0..20).filter(|x| edges[y * 20 + x]).collect();
            if (7..13).contains(&y) {
                assert_eq!(row.len(), 2, "row {y}: {row:?}");
                assert!((4..=5).contains(&row[0]) && (14..=15).contains(&row[1]), "row {y}: {row:?}");
            }
        }
        assert!(!edges[10 * 20 + 10] && !edges[0]);
    }

    #[test]
    fn a_weak_edge_counts_where_it_touches_a_strong_one() {
        let joined = picture(12, 24, |x, y| {
            if x < 6 {
                0
            } else if y < 12 {
                255
            } else {
                40
            }
        });
        let alone = picture(12, 24, |x, _| if x < 6 { 0 } else { 40 });
        let lower_half = |picture: &Picture| edges(picture, 100, 200)[20 * 12..21 * 12].iter().any(|edge| *edge);
        assert!(lower_half(&joined));
        assert!(!lower_half(&alone));
    }

    #[test]
    fn edges_are_those_that_opencv_finds() {
        let value =
            |x: u32, y: u32, channel: u32| ((x * x * 7 + y * y * 11 + x * y * 5 * (channel + 1)) / 8 % 256) as u8;
        let places = (0..12).flat_map(|y| (0..24).map(move |x| (x, y)));
        let pixels = places.flat_map(|(x, y)| [0, 1, 2].map(|channel| value(x, y, channel))).collect();
        let found = edges(&Picture::new(24, 12, pixels).unwrap(), 100, 200);
        let rows: Vec<String> =
            found.chunks(24).map(|row| row.iter().map(|edge| if *edge { '#' } else { '.' }).collect()).collect();
        assert_eq!(rows, OPENCV);
    }

    #[test]
    fn a_picture_of_a_pixel_has_no_edges() {
        assert_eq!(edges(&picture(1, 1, |_, _| 200), 0, 0), [false]);
    }
}
