//! Where each solid stands: right-handed, y up, the viewer looking along negative z.

use serde_json::{Value, json};

use super::{
    material::Material,
    read::{Item, Relation},
    shapes::Shape,
};

/// Between neighbours.
const GAP: f32 = 0.25;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub shape: Shape,
    pub material: Material,
    pub scale: [f32; 3],
    /// The middle of its floor.
    pub at: [f32; 3],
}

/// A box around what was placed together.
#[derive(Clone, Copy, Debug)]
struct Room {
    least: [f32; 3],
    most: [f32; 3],
}

impl Placed {
    /// As the answer tells it.
    pub fn described(&self) -> Value {
        json!({
            "shape": self.shape.name(),
            "colour": self.material.colour_name,
            "surface": self.material.surface.name(),
            "size": size(self.shape, self.scale).map(rounded),
            "position": self.at.map(rounded),
        })
    }
}

/// Places each after the one before, and then all of them upon the ground.
pub(super) fn arrange(items: &[Item]) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    let mut before: Option<Room> = None;
    for item in items {
        let size = size(item.shape, item.size);
        let (step, row) = lined_up(item, size);
        let least = before.map_or([-row[0] / 2.0, 0.0, -row[2] / 2.0], |before| beside(&before, row, item.place));
        let most = [least[0] + row[0], least[1] + row[1], least[2] + row[2]];
        placed.extend((0..item.count).map(|number| {
            let [x, y] = step.map(|step| step * number as f32);
            let at = [least[0] + size[0] / 2.0 + x, least[1] + y, least[2] + size[2] / 2.0];
            Placed { shape: item.shape, material: item.material, scale: item.size, at }
        }));
        let room = Room { least, most };
        before = Some(before.filter(|_| item.place == Relation::OnPile).map_or(room, |pile| pile.and(&room)));
    }
    settle(&mut placed);
    placed
}

/// From each of several to the next, to the right and upwards, and the size of all of them.
fn lined_up(item: &Item, [width, height, depth]: [f32; 3]) -> ([f32; 2], [f32; 3]) {
    let count = item.count as f32;
    if item.column {
        return ([0.0, height], [width, height * count, depth]);
    }
    ([width + GAP, 0.0], [width * count + GAP * (count - 1.0), height, depth])
}

impl Room {
    fn and(&self, other: &Self) -> Self {
        Self {
            least: [0, 1, 2].map(|axis| self.least[axis].min(other.least[axis])),
            most: [0, 1, 2].map(|axis| self.most[axis].max(other.most[axis])),
        }
    }
}

/// Nothing hangs in the air: from the lowest up, each sinks until it stands on another or on the ground.
fn settle(placed: &mut [Placed]) {
    let mut order: Vec<usize> = (0..placed.len()).collect();
    order.sort_by(|a, b| placed[*a].at[1].total_cmp(&placed[*b].at[1]));
    for place in 0..order.len() {
        let (below, solid) = (&order[..place], &placed[order[place]]);
        let under = below.iter().map(|other| &placed[*other]).filter(|other| overlap(solid, other));
        let floor = under.map(|other| other.at[1] + size(other.shape, other.scale)[1]).fold(0.0, f32::max);
        placed[order[place]].at[1] = floor;
    }
}

/// Whether one is over the other, seen from above.
fn overlap(one: &Placed, other: &Placed) -> bool {
    let (own, its) = (size(one.shape, one.scale), size(other.shape, other.scale));
    [0, 2].into_iter().all(|axis| (one.at[axis] - other.at[axis]).abs() < f32::midpoint(own[axis], its[axis]) - 1e-4)
}

/// The least corner of a row of this size that lies so beside a room.
fn beside(room: &Room, row: [f32; 3], place: Relation) -> [f32; 3] {
    let middle = |axis: usize| f32::midpoint(room.least[axis], room.most[axis]) - row[axis] / 2.0;
    let (x, floor, z) = (middle(0), room.least[1], middle(2));
    match place {
        Relation::Beside | Relation::RightOf => [room.most[0] + GAP, floor, z],
        Relation::LeftOf => [room.least[0] - GAP - row[0], floor, z],
        Relation::Above | Relation::OnPile => [x, room.most[1], z],
        Relation::Below => [x, room.least[1] - row[1], z],
        Relation::Behind => [x, floor, room.least[2] - GAP - row[2]],
        Relation::InFront => [x, floor, room.most[2] + GAP],
    }
}

fn size(shape: Shape, scale: [f32; 3]) -> [f32; 3] {
    let [width, height] = shape.extent();
    [width * scale[0], height * scale[1], width * scale[2]]
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{super::read::read, *};

    fn places(prompt: &str) -> Vec<(Shape, [f32; 3])> {
        arrange(&read(prompt).items).into_iter().map(|placed| (placed.shape, placed.at)).collect()
    }

    #[test]
    fn what_is_on_something_stands_on_its_top_and_the_lowest_on_the_ground() {
        assert_eq!(
            places("a sphere on a flat box"),
            [(Shape::Sphere, [0.0, 0.2, 0.0]), (Shape::Cube, [0.0, 0.0, 0.0])]
        );
        assert_eq!(places("a cone under a cube")[1], (Shape::Cube, [0.0, 1.0, 0.0]));
    }

    #[test]
    fn what_stands_over_nothing_stands_on_the_ground() {
        let found = places("three red cubes and a small blue sphere on a large green cylinder");
        // The third is over the edge of the cylinder, and stands on it.
        assert!(found[..2].iter().all(|(_, at)| at[1].abs() < 1e-6) && found[2].1[1] > 1.0, "{found:?}");
        assert!((found[3].1[1] - 1.75).abs() < 1e-6 && found[4].1[1].abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn several_stand_in_a_row_and_nobody_within_another() {
        let row = places("three cubes and a large ball behind them");
        assert!((row[0].1[0] - row[1].1[0] + 1.25).abs() < 1e-6, "{row:?}");
        assert!(row[3].1[2] < -1.0 && row[3].1[0].abs() < 1e-6, "{row:?}");
        let left = places("a cube left of a cone");
        assert!(left[0].1[0] < left[1].1[0] - 1.0, "{left:?}");
    }
    #[test]
    fn what_is_stacked_stands_on_each_other() {
        let heights = |prompt: &str| places(prompt).into_iter().map(|(_, at)| at).collect::<Vec<_>>();
        assert_eq!(heights("three cubes stacked"), [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 2.0, 0.0]]);
        let tower = heights("a large cube, a ball and a small cone stacked");
        assert_eq!(tower, [[0.0, 0.0, 0.0], [0.0, 1.75, 0.0], [0.0, 2.75, 0.0]]);
        // What is below a stack is below all of it.
        let raised = places("a cube and a ball stacked on a flat box");
        assert_eq!(raised.iter().map(|(_, at)| (at[1] * 10.0).round() as i32).collect::<Vec<_>>(), [2, 12, 0]);
        let beside = places("two cubes stacked and a cone");
        assert!(beside[2].1[1] == 0.0 && beside[2].1[0] > 1.0, "{beside:?}");
    }
}
