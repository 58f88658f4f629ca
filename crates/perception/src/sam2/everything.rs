//! All that is in a picture: the network is asked at every point of a grid, and what it is sure of is kept once.

use candle_core::{Device, Tensor};
use tintype_engine::{RunError, Step, Watch};
use tintype_media::Picture;

use super::{
    Parts,
    decoder::{Masks, stability},
    prompt::Object,
    regions,
};
use crate::interpolate::{Kind, interpolate};

/// How far the cut moves when it is asked how stable a mask is.
const DELTA: f32 = 1.0;
/// Masks whose boxes share more than this are of the same thing.
const SAME: f32 = 0.7;
/// Points that are asked between two looks at whether anybody still waits.
const ROW: usize = 16;

/// Masks that are held while points are asked: as scores, each takes a quarter of a megabyte.
const MOST_HELD: usize = 1024;
/// The most objects of one picture.
const MOST_OBJECTS: usize = 512;
/// The most pixels of all objects' masks together; each takes a byte.
const MOST_PIXELS: usize = 1 << 30;

#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    pub points_per_side: usize,
    pub least_quality: f32,
    pub least_stability: f32,
    /// Smaller islands and holes are taken away, in pixels of the picture.
    pub least_area: usize,
}

struct Found {
    scores: Vec<f32>,
    quality: f32,
    /// Left, top, right, bottom, on the masks' grid.
    area: [usize; 4],
}

/// By object, the surest first: by pixel, whether it belongs to it.
pub fn everything(
    parts: &Parts,
    picture: &Picture,
    wishes: &Wishes,
    watch: &mut dyn Watch,
) -> Result<Vec<Vec<bool>>, RunError> {
    let across = parts.config.asking.side as f32;
    let seen = parts.see(picture)?;
    let count = wishes.points_per_side;
    let total = (count * count).div_ceil(ROW) as u32;
    let (mut found, mut grid, mut left_out) = (Vec::new(), 0, false);
    for n in 0..count * count {
        let at = |n: usize| (n as f32 + 0.5) / count as f32 * across;
        let object = Object { points: vec![(at(n % count), at(n / count), true)], area: None };
        let masks = parts.network.masks(&seen, &object)?;
        grid = masks.side;
        found.extend(sure(masks, wishes));
        // Most are of things that were found before; wishes that let all pass would fill memory with them.
        if found.len() > MOST_HELD {
            (found, left_out) = surest(once(found), MOST_OBJECTS, left_out);
        }
        if (n + 1) % ROW == 0 || n + 1 == count * count {
            let done = (n + 1).div_ceil(ROW) as u32;
            watch.step(Step { done, total, measures: &[], preview: &|| None })?;
        }
    }
    let size = (picture.height() as usize, picture.width() as usize);
    let (found, left_out) = surest(once(found), most_objects(size.0 * size.1), left_out);
    if left_out {
        watch.note(&format!("there are more objects than fit in one answer; these are the {} surest", found.len()));
    }
    let mut objects = Vec::new();
    for one in found {
        let scores = Tensor::from_vec(one.scores, (1, 1, grid, grid), &Device::Cpu)?;
        let scores = interpolate(&scores, size, Kind::Bilinear)?.flatten_all()?.to_vec1::<f32>()?;
        let mut mask: Vec<bool> = scores.into_iter().map(|score| score > 0.0).collect();
        regions::clean(&mut mask, size.1, wishes.least_area);
        if mask.contains(&true) {
            objects.push(mask);
        }
        watch.wanted()?;
    }
    Ok(objects)
}

/// Of a picture of that many pixels.
fn most_objects(pixels: usize) -> usize {
    (MOST_PIXELS / pixels.max(1)).clamp(1, MOST_OBJECTS)
}

/// The first of those that are sorted, and whether any were left out, now or before.
fn surest(mut sorted: Vec<Found>, most: usize, left_out: bool) -> (Vec<Found>, bool) {
    let left_out = left_out || sorted.len() > most;
    sorted.truncate(most);
    (sorted, left_out)
}

/// The masks of one point, without the first, which is for prompts that leave no doubt.
fn sure(masks: Masks, wishes: &Wishes) -> Vec<Found> {
    let Masks { side, scores, quality } = masks;
    let pairs = scores.into_iter().zip(quality).skip(1);
    let good = pairs.filter(|(scores, quality)| {
        *quality > wishes.least_quality && stability(scores, DELTA) >= wishes.least_stability
    });
    let boxed = |(scores, quality): (Vec<f32>, f32)| {
        let area = around(&scores, side)?;
        Some(Found { scores, quality, area })
    };
    good.filter_map(boxed).collect()
}

/// `None` where there is nothing.
fn around(scores: &[f32], side: usize) -> Option<[usize; 4]> {
    let inside: Vec<usize> = (0..scores.len()).filter(|n| scores[*n] > 0.0).collect();
    let (first, last) = (*inside.first()?, *inside.last()?);
    let left = inside.iter().map(|n| n % side).min()?;
    let right = inside.iter().map(|n| n % side).max()?;
    Some([left, first / side, right + 1, last / side + 1])
}

/// The surest of those that are of the same thing.
fn once(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        if kept.iter().all(|other| shared(one.area, other.area) <= SAME) {
            kept.push(one);
        }
    }
    kept
}

/// What two boxes have in common, as a share of both together.
fn shared(a: [usize; 4], b: [usize; 4]) -> f32 {
    let size = |[left, top, right, bottom]: [usize; 4]| right.saturating_sub(left) * bottom.saturating_sub(top);
    let common = size([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    common as f32 / (size(a) + size(b) - common).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(quality: f32, area: [usize; 4]) -> Found {
        Found { scores: Vec::new(), quality, area }
    }

    #[test]
    fn of_the_same_thing_the_surest_mask_is_kept() {
        let all = vec![found(0.9, [0, 0, 10, 10]), found(0.95, [0, 0, 10, 9]), found(0.8, [0, 0, 5, 5])];
        let kept: Vec<f32> = once(all).into_iter().map(|one| one.quality).collect();
        assert_eq!(kept, [0.95, 0.8]);
    }

    #[test]
    fn of_too_many_objects_the_surest_are_kept() {
        let all = (0..9).map(|n| found(0.1 * n as f32, [10 * n, 0, 10 * n + 5, 5])).collect();
        let (kept, left_out) = surest(once(all), 3, false);
        let kept: Vec<usize> = kept.into_iter().map(|one| one.area[0]).collect();
        assert_eq!((kept, left_out), (vec![80, 70, 60], true));
        assert!(!surest(Vec::new(), 3, false).1);
    }

    #[test]
    fn all_masks_together_stay_within_memory() {
        for pixels in [0, 1, 64 * 64, 12_000_000, 33_000_000, MOST_PIXELS] {
            let most = most_objects(pixels);
            assert!((1..=MOST_OBJECTS).contains(&most) && most * pixels <= MOST_PIXELS, "{pixels}: {most}");
        }
    }

    #[test]
    fn a_box_is_around_all_that_is_there() {
        let mut scores = vec![-1.0; 16];
        (scores[6], scores[9]) = (1.0, 1.0);
        assert_eq!(around(&scores, 4), Some([1, 1, 3, 3]));
        assert_eq!(around(&[-1.0; 16], 4), None);
    }

    #[test]
    fn masks_that_are_not_sure_or_not_stable_are_left_out() {
        let wishes = Wishes { points_per_side: 1, least_quality: 0.5, least_stability: 0.9, least_area: 0 };
        let (firm, soft) = (vec![9.0, 9.0, -9.0, -9.0], vec![0.5, 9.0, -9.0, -9.0]);
        let masks =
            Masks { side: 2, scores: vec![firm.clone(), firm.clone(), firm, soft], quality: vec![1.0, 0.9, 0.4, 0.9] };
        assert_eq!(sure(masks, &wishes).len(), 1);
    }
}
