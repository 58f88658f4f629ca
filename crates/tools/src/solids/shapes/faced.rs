//! Solids with flat faces, corner by corner.

use std::f32::consts::TAU;

use super::super::mesh::{Mesh, Vector};

pub(super) fn cube(mesh: &mut Mesh) {
    let corner = |x: usize, y: usize, z: usize| [[-0.5, 0.5][x], [0.0, 1.0][y], [-0.5, 0.5][z]];
    mesh.face(&[corner(0, 0, 1), corner(1, 0, 1), corner(1, 1, 1), corner(0, 1, 1)]);
    mesh.face(&[corner(1, 0, 0), corner(0, 0, 0), corner(0, 1, 0), corner(1, 1, 0)]);
    mesh.face(&[corner(1, 0, 1), corner(1, 0, 0), corner(1, 1, 0), corner(1, 1, 1)]);
    mesh.face(&[corner(0, 0, 0), corner(0, 0, 1), corner(0, 1, 1), corner(0, 1, 0)]);
    mesh.face(&[corner(0, 1, 1), corner(1, 1, 1), corner(1, 1, 0), corner(0, 1, 0)]);
    mesh.face(&[corner(0, 0, 0), corner(1, 0, 0), corner(1, 0, 1), corner(0, 0, 1)]);
}

pub(super) fn pyramid(mesh: &mut Mesh) {
    let base: [Vector; 4] = [[-0.5, 0.0, 0.5], [0.5, 0.0, 0.5], [0.5, 0.0, -0.5], [-0.5, 0.0, -0.5]];
    let top = [0.0, 1.0, 0.0];
    mesh.face(&[base[3], base[2], base[1], base[0]]);
    for side in 0..4 {
        mesh.face(&[base[side], base[(side + 1) % 4], top]);
    }
}

pub(super) fn prism(mesh: &mut Mesh) {
    let front: [Vector; 3] = [[-0.5, 0.0, 0.5], [0.5, 0.0, 0.5], [0.0, 1.0, 0.5]];
    let back = front.map(|[x, y, _]| [x, y, -0.5]);
    mesh.face(&front);
    mesh.face(&[back[2], back[1], back[0]]);
    for side in 0..3 {
        let next = (side + 1) % 3;
        mesh.face(&[front[next], front[side], back[side], back[next]]);
    }
}

pub(super) fn tetrahedron(mesh: &mut Mesh) {
    let around = |turn: f32| {
        let (sine, cosine) = (TAU * turn).sin_cos();
        [0.5 * cosine, 0.0, -0.5 * sine]
    };
    let base = [around(0.0), around(1.0 / 3.0), around(2.0 / 3.0)];
    let top = [0.0, 1.0, 0.0];
    mesh.face(&[base[2], base[1], base[0]]);
    for side in 0..3 {
        mesh.face(&[base[side], base[(side + 1) % 3], top]);
    }
}

pub(super) fn octahedron(mesh: &mut Mesh) {
    let belt: [Vector; 4] = [[0.5, 0.5, 0.0], [0.0, 0.5, -0.5], [-0.5, 0.5, 0.0], [0.0, 0.5, 0.5]];
    for side in 0..4 {
        let next = (side + 1) % 4;
        mesh.face(&[belt[side], belt[next], [0.0, 1.0, 0.0]]);
        mesh.face(&[belt[next], belt[side], [0.0, 0.0, 0.0]]);
    }
}

/// Two tips, and two rings of five between them, the upper turned by half a step.
pub(super) fn icosahedron(mesh: &mut Mesh) {
    let ring = |height: f32, shift: f32| {
        let (radius, rise) = (0.5 * 2.0 / 5.0_f32.sqrt(), 0.5 / 5.0_f32.sqrt());
        (0..5).map(move |step| {
            let (sine, cosine) = (TAU * (step as f32 + shift) / 5.0).sin_cos();
            [radius * cosine, 0.5 + height * rise, -radius * sine]
        })
    };
    let (upper, lower): (Vec<Vector>, Vec<Vector>) = (ring(1.0, 0.0).collect(), ring(-1.0, 0.5).collect());
    for step in 0..5 {
        let next = (step + 1) % 5;
        mesh.face(&[upper[step], upper[next], [0.0, 1.0, 0.0]]);
        mesh.face(&[lower[next], lower[step], [0.0, 0.0, 0.0]]);
        mesh.face(&[upper[step], lower[step], upper[next]]);
        mesh.face(&[lower[step], lower[next], upper[next]]);
    }
}
