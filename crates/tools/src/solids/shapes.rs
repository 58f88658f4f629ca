//! The solids that are known, each within a box of one unit a side around the origin, standing on its floor.

mod faced;
mod turned;

use std::f32::consts::{FRAC_PI_2, PI};

use self::{
    faced::{cube, icosahedron, octahedron, prism, pyramid, tetrahedron},
    turned::{arc, cone, floor, tube, wall_with_ends},
};
use super::mesh::Mesh;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Cube,
    Sphere,
    Cylinder,
    Cone,
    Pyramid,
    Torus,
    Tube,
    Hemisphere,
    Capsule,
    Prism,
    Tetrahedron,
    Octahedron,
    Icosahedron,
}

/// Names and what they mean; the first of each shape is its own.
const WORDS: [(&str, Shape); 29] = [
    ("cube", Shape::Cube),
    ("box", Shape::Cube),
    ("block", Shape::Cube),
    ("brick", Shape::Cube),
    ("sphere", Shape::Sphere),
    ("ball", Shape::Sphere),
    ("globe", Shape::Sphere),
    ("cylinder", Shape::Cylinder),
    ("disc", Shape::Cylinder),
    ("disk", Shape::Cylinder),
    ("column", Shape::Cylinder),
    ("cone", Shape::Cone),
    ("pyramid", Shape::Pyramid),
    ("torus", Shape::Torus),
    ("ring", Shape::Torus),
    ("donut", Shape::Torus),
    ("doughnut", Shape::Torus),
    ("tube", Shape::Tube),
    ("pipe", Shape::Tube),
    ("hemisphere", Shape::Hemisphere),
    ("dome", Shape::Hemisphere),
    ("capsule", Shape::Capsule),
    ("pill", Shape::Capsule),
    ("prism", Shape::Prism),
    ("wedge", Shape::Prism),
    ("tetrahedron", Shape::Tetrahedron),
    ("octahedron", Shape::Octahedron),
    ("diamond", Shape::Octahedron),
    ("icosahedron", Shape::Icosahedron),
];

/// Every name, for people who want to know what may be said.
pub(super) fn words() -> Vec<&'static str> {
    WORDS.iter().map(|(word, _)| *word).collect()
}

/// The shape of a word, in the singular or the plural, and whether it was the plural.
pub(super) fn of_word(word: &str) -> Option<(Shape, bool)> {
    let known = |word: &str| WORDS.iter().find(|(name, _)| *name == word).map(|(_, shape)| *shape);
    if let Some(shape) = known(word) {
        return Some((shape, false));
    }
    match word {
        "tori" => return Some((Shape::Torus, true)),
        "tetrahedra" => return Some((Shape::Tetrahedron, true)),
        "octahedra" => return Some((Shape::Octahedron, true)),
        "icosahedra" => return Some((Shape::Icosahedron, true)),
        _ => {}
    }
    let stems = [word.strip_suffix("es"), word.strip_suffix('s')];
    stems.into_iter().flatten().find_map(known).map(|shape| (shape, true))
}

impl Shape {
    pub fn name(self) -> &'static str {
        WORDS.iter().find(|(_, shape)| *shape == self).map_or("solid", |(name, _)| name)
    }

    /// Width and height of what `mesh` makes.
    pub fn extent(self) -> [f32; 2] {
        match self {
            Self::Torus => [1.0, 0.3],
            Self::Hemisphere => [1.0, 0.5],
            Self::Capsule => [0.5, 1.0],
            _ => [1.0, 1.0],
        }
    }

    pub fn mesh(self, detail: u32) -> Mesh {
        let mut mesh = Mesh::default();
        match self {
            Self::Cube => cube(&mut mesh),
            Self::Pyramid => pyramid(&mut mesh),
            Self::Prism => prism(&mut mesh),
            Self::Tetrahedron => tetrahedron(&mut mesh),
            Self::Octahedron => octahedron(&mut mesh),
            Self::Icosahedron => icosahedron(&mut mesh),
            Self::Sphere => mesh.turn(&arc([0.0, 0.5], 0.5, (-FRAC_PI_2, FRAC_PI_2), detail / 2), detail),
            Self::Cylinder => wall_with_ends(&mut mesh, detail),
            Self::Cone => cone(&mut mesh, detail),
            Self::Torus => mesh.turn(&arc([0.35, 0.15], 0.15, (-PI, PI), detail), detail),
            Self::Tube => tube(&mut mesh, detail),
            Self::Hemisphere => {
                mesh.turn(&floor(0.5), detail);
                mesh.turn(&arc([0.0, 0.0], 0.5, (0.0, FRAC_PI_2), detail / 4), detail);
            }
            Self::Capsule => {
                let mut outline = arc([0.0, 0.25], 0.25, (-FRAC_PI_2, 0.0), detail / 4);
                outline.extend(arc([0.0, 0.75], 0.25, (0.0, FRAC_PI_2), detail / 4));
                mesh.turn(&outline, detail);
            }
        }
        mesh
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        super::mesh::{Vector, cross, minus},
        *,
    };

    const ALL: [Shape; 13] = [
        Shape::Cube,
        Shape::Sphere,
        Shape::Cylinder,
        Shape::Cone,
        Shape::Pyramid,
        Shape::Torus,
        Shape::Tube,
        Shape::Hemisphere,
        Shape::Capsule,
        Shape::Prism,
        Shape::Tetrahedron,
        Shape::Octahedron,
        Shape::Icosahedron,
    ];

    fn dot(a: Vector, b: Vector) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn triangles(mesh: &Mesh) -> Vec<[usize; 3]> {
        mesh.indices.chunks(3).map(|corners| [corners[0], corners[1], corners[2]].map(|at| at as usize)).collect()
    }

    /// Corners that lie on one point are one corner.
    fn key(point: Vector) -> [i32; 3] {
        point.map(|part| (part * 1e5).round() as i32)
    }

    #[test]
    fn every_solid_is_closed() {
        for shape in ALL {
            let mesh = shape.mesh(16);
            let mut edges: BTreeMap<_, i32> = BTreeMap::new();
            for corners in triangles(&mesh) {
                for side in 0..3 {
                    let [from, to] = [corners[side], corners[(side + 1) % 3]].map(|at| key(mesh.positions[at]));
                    assert_ne!(from, to, "{shape:?} has a triangle without area");
                    *edges.entry((from.min(to), from.max(to))).or_default() += if from < to { 1 } else { -1 };
                }
            }
            assert!(edges.values().all(|&sum| sum == 0), "{shape:?} has an edge with one side");
        }
    }

    #[test]
    fn every_face_looks_outwards_and_so_do_its_normals() {
        for shape in ALL {
            let mesh = shape.mesh(24);
            let mut volume = 0.0;
            for [a, b, c] in triangles(&mesh) {
                let [p, q, r] = [a, b, c].map(|at| mesh.positions[at]);
                let flat = cross(minus(q, p), minus(r, p));
                volume += dot(p, cross(q, r)) / 6.0;
                for corner in [a, b, c] {
                    assert!((dot(mesh.normals[corner], mesh.normals[corner]) - 1.0).abs() < 1e-4, "{shape:?}");
                    assert!(dot(flat, mesh.normals[corner]) > 0.0, "{shape:?} looks inwards");
                }
            }
            assert!(volume > 0.02, "{shape:?}: {volume}");
        }
    }

    #[test]
    fn volumes_of_round_solids_are_those_of_geometry() {
        let volume = |shape: Shape| -> f32 {
            let mesh = shape.mesh(128);
            triangles(&mesh)
                .into_iter()
                .map(|corners| {
                    let [p, q, r] = corners.map(|at| mesh.positions[at]);
                    dot(p, cross(q, r)) / 6.0
                })
                .sum()
        };
        for (shape, expected) in [
            (Shape::Cube, 1.0),
            (Shape::Sphere, PI / 6.0),
            (Shape::Cylinder, PI / 4.0),
            (Shape::Cone, PI / 12.0),
            (Shape::Torus, 2.0 * PI * PI * 0.35 * 0.15 * 0.15),
            (Shape::Hemisphere, PI / 12.0),
        ] {
            assert!((volume(shape) / expected - 1.0).abs() < 0.01, "{shape:?}: {} is not {expected}", volume(shape));
        }
    }

    #[test]
    fn every_solid_stands_on_its_floor_within_its_extent() {
        for shape in ALL {
            let mesh = shape.mesh(32);
            let [width, height] = shape.extent();
            let all = |axis: usize| mesh.positions.iter().map(move |point| point[axis]);
            let near = |a: f32, b: f32| (a - b).abs() < 1e-3;
            assert!(near(all(1).fold(f32::MAX, f32::min), 0.0), "{shape:?}");
            assert!(near(all(1).fold(f32::MIN, f32::max), height), "{shape:?}");
            assert!(all(0).chain(all(2)).all(|at| at.abs() <= width / 2.0 + 1e-3), "{shape:?}");
        }
    }

    #[test]
    fn words_are_known_in_the_plural_too() {
        assert_eq!(of_word("boxes"), Some((Shape::Cube, true)));
        assert_eq!(of_word("spheres"), Some((Shape::Sphere, true)));
        assert_eq!(of_word("torus"), Some((Shape::Torus, false)));
        assert_eq!(of_word("cat"), None);
    }
}
