//! Where something stands in a picture.

use super::call::Call;

/// A place as a part of the room that is left: 0 is at the left or the top, 1 at the right or the bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Anchor {
    x: f32,
    y: f32,
}

impl Anchor {
    pub const CENTRE: Self = Self { x: 0.5, y: 0.5 };
    pub const NAMES: [&'static str; 9] =
        ["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"];

    /// By one of `NAMES`; an underscore is as good as a hyphen, and `top-center` means `top`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        let name = name.strip_prefix("center-").or(name.strip_suffix("-center")).unwrap_or(&name);
        let at = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self { x: (at % 3) as f32 / 2.0, y: (at / 3) as f32 / 2.0 })
    }

    /// The top left corner of something of `size` in a `room`, `margin` away from the edges that it stands at.
    pub fn corner(self, room: (u32, u32), size: (u32, u32), margin: i64) -> (i64, i64) {
        let along = |part: f32, room: u32, size: u32| {
            let free = i64::from(room) - i64::from(size);
            let inwards = (margin as f32 * (1.0 - 2.0 * part)).round() as i64;
            (free as f32 * part).floor() as i64 + inwards
        };
        (along(self.x, room.0, size.0), along(self.y, room.1, size.1))
    }
}

/// A point of a picture, as parts of its sides, and how much of what stands there lies left of it and above it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    point: (f32, f32),
    before: (f32, f32),
}

impl Spot {
    /// Reads `x_percent` and `y_percent`. The middle is no spot: then `place` counts. Where that is the middle too, which
    /// part stands there still does.
    pub fn read(call: &mut Call<'_>, before: (f32, f32), place: Anchor) -> Option<Self> {
        let mut part = |name| call.number(name, (0.0, 100.0), 50.0) / 100.0;
        let point = (part("x_percent"), part("y_percent"));
        let plain = |(x, y): (f32, f32)| x.to_bits() == 0.5_f32.to_bits() && y.to_bits() == 0.5_f32.to_bits();
        let beside = place == Anchor::CENTRE && !plain(before);
        (!plain(point) || beside).then_some(Self { point, before })
    }

    pub fn corner(self, room: (u32, u32), size: (u32, u32)) -> (i64, i64) {
        let along =
            |point: f32, before: f32, room: u32, size: u32| (room as f32 * point - size as f32 * before).round() as i64;
        (along(self.point.0, self.before.0, room.0, size.0), along(self.point.1, self.before.1, room.1, size.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_places() {
        let corner = |name: &str| Anchor::named(name).unwrap().corner((100, 50), (10, 10), 5);
        assert_eq!(corner("top-left"), (5, 5));
        assert_eq!(corner("bottom_right"), (85, 35));
        assert_eq!((corner("center"), corner("top-center")), ((45, 20), (45, 5)));
        assert_eq!(Anchor::named("middle"), None);
    }

    #[test]
    fn what_is_larger_than_the_room_stands_out_on_both_sides() {
        assert_eq!(Anchor::CENTRE.corner((10, 10), (30, 11), 0), (-10, -1));
    }
}
