//! Triangles with normals, counter-clockwise seen from outside.

/// A point or a direction.
pub(super) type Vector = [f32; 3];

#[derive(Clone, Debug, Default)]
pub(super) struct Mesh {
    pub positions: Vec<Vector>,
    pub normals: Vec<Vector>,
    pub indices: Vec<u32>,
}

/// A point of an outline: its distance from the axis, its height, and where the surface looks there.
pub(super) type OutlinePoint = ([f32; 2], [f32; 2]);

impl Mesh {
    /// A flat face; its corners counter-clockwise seen from outside.
    pub fn face(&mut self, corners: &[Vector]) {
        let normal = unit(cross(minus(corners[1], corners[0]), minus(corners[2], corners[0])));
        let first = self.positions.len() as u32;
        self.positions.extend(corners);
        self.normals.extend(corners.iter().map(|_| normal));
        self.indices.extend((2..corners.len() as u32).flat_map(|at| [first, first + at - 1, first + at]));
    }

    /// Turns an outline about the vertical axis. It goes upwards where the surface looks outwards.
    pub fn turn(&mut self, outline: &[OutlinePoint], around: u32) {
        let first = self.positions.len() as u32;
        for step in 0..=around {
            let angle = std::f32::consts::TAU * step as f32 / around as f32;
            // The last column lies exactly on the first.
            let (sine, cosine) = if step == around { (0.0, 1.0) } else { angle.sin_cos() };
            for ([radius, height], [outwards, upwards]) in outline {
                self.positions.push([radius * cosine, *height, radius * sine]);
                self.normals.push(unit([outwards * cosine, *upwards, outwards * sine]));
            }
        }
        let rows = outline.len() as u32;
        for (column, row) in (0..around).flat_map(|column| (0..rows - 1).map(move |row| (column, row))) {
            let [here, above] = [row, row + 1].map(|row| first + column * rows + row);
            let [next, next_above] = [here + rows, above + rows];
            let on_axis = |row: u32| outline[row as usize].0[0] < 1e-6;
            // At the axis two corners are one, and one of the triangles is none.
            if !on_axis(row + 1) {
                self.indices.extend([here, above, next_above]);
            }
            if !on_axis(row) {
                self.indices.extend([here, next_above, next]);
            }
        }
    }
}

pub(super) fn minus(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(super) fn unit(v: Vector) -> Vector {
    let length = v.iter().map(|part| part * part).sum::<f32>().sqrt();
    v.map(|part| part / length)
}
