use super::{
    super::{material::Surface, shapes::Shape},
    *,
};

#[test]
fn a_solid_is_read_with_all_that_is_said_of_it() {
    let scene = read("a large shiny red cube");
    let [item] = &scene.items[..] else { panic!("{scene:?}") };
    assert_eq!((item.shape, item.size, item.material.surface), (Shape::Cube, [1.75; 3], Surface::Glossy));
    assert_eq!((item.material.colour_name, scene.unknown.len()), ("red", 0));
}

#[test]
fn numbers_make_several_and_relations_hold_between_neighbours() {
    let scene = read("three blue spheres on top of a flat green box, a gold ring to the left of it");
    let found: Vec<_> = scene.items.iter().map(|item| (item.shape, item.count, item.place)).collect();
    assert_eq!(
        found,
        [(Shape::Sphere, 3, Relation::Beside), (Shape::Cube, 1, Relation::Below), (Shape::Torus, 1, Relation::LeftOf)]
    );
    assert_eq!(scene.items[2].material.surface, Surface::Metal);
}

#[test]
fn what_says_nothing_here_is_kept_as_such() {
    let scene = read("a dreamy blue cat");
    assert!(scene.items.is_empty());
    assert_eq!(scene.unknown, ["dreamy", "blue", "cat"]);
    assert!(read("").items.is_empty());
}

#[test]
fn what_is_said_of_a_thing_without_a_name_sticks_to_nothing_and_is_told() {
    let plain = read("a cube").items;
    for (prompt, unknown) in [
        ("a red dragon and a cube", vec!["red", "dragon"]),
        ("a cube and two red dragons", vec!["two", "red", "dragons"]),
        ("three tall dragons, a cube", vec!["three", "tall", "dragons"]),
        ("A big dragon. Cube!", vec!["big", "dragon"]),
        ("a cube on a red dragon", vec!["on", "red", "dragon"]),
        ("a red dragon on a cube", vec!["red", "dragon", "on"]),
        ("a cube, and a dragon left of it", vec!["dragon", "left"]),
    ] {
        let scene = read(prompt);
        assert_eq!(
            (&scene.items, scene.unknown),
            (&plain, unknown.into_iter().map(str::to_owned).collect()),
            "{prompt}"
        );
    }
    let scene = read("two large, dreamy, red cubes");
    let [item] = &scene.items[..] else { panic!("{scene:?}") };
    assert_eq!((item.count, item.size, item.material.colour_name), (2, [1.75; 3], "red"));
    assert_eq!(scene.unknown, ["dreamy"]);
}

#[test]
fn solids_are_stacked_however_that_is_said() {
    for prompt in [
        "three stacked cubes",
        "three cubes stacked",
        "a stack of three cubes",
        "three cubes in a pile",
        "three cubes, stacked on top of each other",
        "three cubes one above the other",
    ] {
        let scene = read(prompt);
        let [item] = &scene.items[..] else { panic!("{scene:?}") };
        assert_eq!((item.count, item.column, scene.unknown), (3, true, vec![]), "{prompt}");
    }
    for prompt in ["a cube, a ball and a cone on top of each other", "a stack of a cube, a ball and a cone"] {
        let scene = read(prompt);
        let places: Vec<_> = scene.items.iter().map(|item| item.place).collect();
        assert_eq!(places, [Relation::Beside, Relation::OnPile, Relation::OnPile], "{prompt}");
        assert_eq!(scene.unknown, [""; 0], "{prompt}");
    }
    assert_eq!(read("a cube stacked on a ball").items, read("a cube on a ball").items);
    assert_eq!(read("a stacked cube").unknown, ["stacked"]);
    assert_eq!(read("two balls and a cube left of each other").unknown, ["each other"]);
    assert_eq!(read("two balls, left of one another").unknown, ["one another"]);
    assert_eq!(read("a cube and another").unknown, ["another"]);
}

#[test]
fn a_pile_has_a_size_and_what_else_is_said_of_it_sticks_to_nothing() {
    for (prompt, size, unknown) in [
        ("three cubes in a small stack", [0.5; 3], vec![]),
        ("three large cubes in a tall pile", [1.75, 3.5, 1.75], vec![]),
        ("a small stack of three cubes", [0.5; 3], vec![]),
        ("three cubes in a small red stack", [1.0; 3], vec!["small", "red"]),
        ("three cubes in a dreamy stack", [1.0; 3], vec!["dreamy"]),
    ] {
        let scene = read(&format!("{prompt} and a ball"));
        let [item, ball] = &scene.items[..] else { panic!("{scene:?}") };
        assert_eq!((item.count, item.column, item.size), (3, true, size), "{prompt}");
        assert_eq!(
            (ball.size, ball.material, ball.place),
            ([1.0; 3], Material::default(), Relation::Beside),
            "{prompt}"
        );
        assert_eq!(scene.unknown, unknown, "{prompt}");
    }
    let sizes: Vec<_> = read("a cube and a large ball in a small stack").items.iter().map(|item| item.size).collect();
    assert_eq!(sizes, [[0.5; 3], [0.875; 3]]);
    assert_eq!(read("a cube in a small stack").unknown, ["stack", "small"]);
}

#[test]
fn numbers_without_end_are_counted_as_far_as_numbers_go() {
    let scene = read(&format!("{} cubes and {} balls", u64::MAX, u64::MAX));
    assert_eq!(scene.count(), usize::MAX);
}
