//! Outlines that are turned around the upright axis.

use std::f32::consts::TAU;

use super::super::mesh::{Mesh, OutlinePoint};

/// A part of a circle around `centre`, from one angle to another; the ends lie on the axis exactly where they should.
pub(super) fn arc([across, up]: [f32; 2], radius: f32, (from, to): (f32, f32), steps: u32) -> Vec<OutlinePoint> {
    let steps = steps.max(2);
    let point = |step: u32| {
        let angle = from + (to - from) * step as f32 / steps as f32;
        let (sine, cosine) = angle.sin_cos();
        // A circle that closes ends where it began.
        let (sine, cosine) =
            if step == steps && (to - from - TAU).abs() < 1e-5 { from.sin_cos() } else { (sine, cosine) };
        ([(across + radius * cosine).max(0.0), up + radius * sine], [cosine, sine])
    };
    let mut points: Vec<_> = (0..=steps).map(point).collect();
    for point in &mut points {
        if point.0[0] < 1e-6 {
            point.0[0] = 0.0;
        }
    }
    points
}

/// A disc on the ground, seen from below.
pub(super) fn floor(radius: f32) -> [OutlinePoint; 2] {
    [([0.0, 0.0], [0.0, -1.0]), ([radius, 0.0], [0.0, -1.0])]
}

/// A disc seen from above.
fn roof(height: f32, radius: f32) -> [OutlinePoint; 2] {
    [([radius, height], [0.0, 1.0]), ([0.0, height], [0.0, 1.0])]
}

pub(super) fn wall_with_ends(mesh: &mut Mesh, detail: u32) {
    mesh.turn(&floor(0.5), detail);
    mesh.turn(&[([0.5, 0.0], [1.0, 0.0]), ([0.5, 1.0], [1.0, 0.0])], detail);
    mesh.turn(&roof(1.0, 0.5), detail);
}

pub(super) fn cone(mesh: &mut Mesh, detail: u32) {
    mesh.turn(&floor(0.5), detail);
    let slope = [1.0, 0.5];
    mesh.turn(&[([0.5, 0.0], slope), ([0.0, 1.0], slope)], detail);
}

pub(super) fn tube(mesh: &mut Mesh, detail: u32) {
    let (outer, inner) = (0.5, 0.35);
    mesh.turn(&[([inner, 0.0], [0.0, -1.0]), ([outer, 0.0], [0.0, -1.0])], detail);
    mesh.turn(&[([outer, 0.0], [1.0, 0.0]), ([outer, 1.0], [1.0, 0.0])], detail);
    mesh.turn(&[([outer, 1.0], [0.0, 1.0]), ([inner, 1.0], [0.0, 1.0])], detail);
    mesh.turn(&[([inner, 1.0], [-1.0, 0.0]), ([inner, 0.0], [-1.0, 0.0])], detail);
}
