//! The picture tools as a runner calls them: an input, the files that it names, and the pictures of the answer.

#![expect(clippy::needless_pass_by_value, reason = "inputs are written where they are used")]

mod shared;

use std::io::Cursor;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use shared::Notes;
use tintype_engine::{Model, Output, RunError};
use tintype_media::{Canvas, DataUri, Encoding, Format, Limits, data_uri, decode_canvas, encode_canvas};

const RED: [u8; 4] = [255, 0, 0, 255];
const BLUE: [u8; 4] = [0, 0, 255, 255];
const CLEAR: [u8; 4] = [0, 0, 0, 0];

fn plain(width: u32, height: u32, colour: [u8; 4]) -> String {
    uri(&Canvas::filled(width, height, colour))
}

fn uri(canvas: &Canvas) -> String {
    data_uri("image/png", &encode_canvas(canvas, Encoding::new(Format::Png)).unwrap())
}

/// Left of the middle one colour, right of it another.
fn halves(left: [u8; 4], right: [u8; 4]) -> Canvas {
    Canvas::new(40, 20, [left.repeat(20), right.repeat(20)].concat().repeat(20)).unwrap()
}

fn run(app: &impl Model, path: &str, input: &Value) -> Result<(Output, Notes), Value> {
    let found = |error: RunError| match error {
        RunError::Invalid(invalid) => json!(invalid.0),
        other => panic!("{other}"),
    };
    let plan = app.plan(path, input.as_object().unwrap()).map_err(|invalid| json!(invalid.0))?;
    let open = |wanted: tintype_engine::Wanted| DataUri::parse(&wanted.url, 1 << 26).unwrap().bytes;
    let files: Vec<Bytes> = plan.files().into_iter().map(open).collect();
    let mut notes = Notes::default();
    let output = plan.run(files, &mut notes).map_err(found)?;
    Ok((output, notes))
}

fn new(path: &str, input: Value) -> Output {
    run(&tintype_tools::workflow_utilities(), path, &input).unwrap().0
}

fn old(path: &str, input: Value) -> Canvas {
    picture(&run(&tintype_tools::workflowutils(), path, &input).unwrap().0)
}

fn refused(path: &str, input: Value) -> Value {
    run(&tintype_tools::workflow_utilities(), path, &input).map(|_| ()).unwrap_err()
}

fn picture(output: &Output) -> Canvas {
    decode_canvas(&output.files[0].1.bytes, &Limits::default()).unwrap()
}

fn size(canvas: &Canvas) -> (u32, u32) {
    (canvas.width(), canvas.height())
}

#[test]
fn compressing_tells_what_it_saved_and_keeps_the_proportions() {
    let noise = |at: u32| [(at.wrapping_mul(2_654_435_761) >> 24) as u8, (at >> 4) as u8, at as u8, 255];
    let large = Canvas::new(256, 128, (0..256 * 128).flat_map(noise).collect()).unwrap();
    let output = new("/compress-image", json!({"image_url": uri(&large), "max_width": 64, "quality": 60}));
    assert_eq!(size(&picture(&output)), (64, 32));
    assert_eq!((output.files[0].1.content_type, output.files[0].1.extension), ("image/jpeg", "jpg"));
    assert_eq!(output.fields["compressed_size"], output.files[0].1.bytes.len());
    assert!(output.fields["compression_ratio"].as_f64().unwrap() < 0.25, "{:?}", output.fields);
}

#[test]
fn a_file_that_would_only_grow_is_handed_back_as_it_is() {
    let noise = |at: u32| [(at.wrapping_mul(2_654_435_761) >> 24) as u8, (at >> 4) as u8, at as u8, 255];
    let large = Canvas::new(64, 64, (0..64 * 64).flat_map(noise).collect()).unwrap();
    let rough = new("/compress-image", json!({"image_url": uri(&large), "quality": 20}));
    let rough = &rough.files[0].1.bytes;
    let given = json!({"image_url": data_uri("image/jpeg", rough), "quality": 99});
    let again = new("/compress-image", given);
    assert_eq!(&again.files[0].1.bytes, rough);
    assert_eq!(again.fields["compression_ratio"].as_f64(), Some(1.0));
    let other = new("/compress-image", json!({"image_url": data_uri("image/jpeg", rough), "output_format": "png"}));
    assert_eq!(other.files[0].1.content_type, "image/png");
    assert!(other.fields["compression_ratio"].as_f64().unwrap() > 1.0);
}

#[test]
fn an_empty_text_changes_nothing_and_letters_of_no_font_are_refused_by_name() {
    let given = halves(RED, BLUE);
    let empty = json!({"image_url": uri(&given), "text": " ", "background_color": "white"});
    let (output, notes) = run(&tintype_tools::workflow_utilities(), "/add-text-to-image", &empty).unwrap();
    assert_eq!(picture(&output).pixels(), given.pixels());
    assert!(notes.0[0].contains("empty"), "{:?}", notes.0);
    let strange = json!({"image_url": uri(&given), "text": "a\u{10FFFD}"});
    let found = refused("/add-text-to-image", strange);
    assert_eq!((&found[0]["type"], &found[0]["loc"][1]), (&json!("value_error"), &json!("text")));
    assert!(found[0]["msg"].as_str().unwrap().contains("U+10FFFD"), "{found}");
}

#[test]
fn parts_are_cut_by_per_cent() {
    let half = json!({"image_url": uri(&halves(RED, BLUE)), "x_percent": 50, "width_percent": 50});
    let right = picture(&new("/crop-image", half));
    assert_eq!((size(&right), right.pixel(0, 0)), ((20, 20), BLUE));
}

#[test]
fn an_overlay_stands_where_it_is_put_and_lets_through_what_it_should() {
    let input = json!({"background_image_url": plain(40, 40, RED), "overlay_image_url": plain(10, 10, BLUE),
        "position": "bottom-right", "scale_percent": 200, "opacity": 0.5, "x_offset": -4});
    let made = picture(&new("/overlay-image", input));
    assert_eq!(size(&made), (40, 40));
    assert_eq!((made.pixel(35, 39), made.pixel(36, 39), made.pixel(15, 20)), ([127, 0, 128, 255], RED, RED));
    let spotted = json!({"background_image_url": plain(40, 40, RED), "overlay_image_url": plain(10, 10, BLUE),
        "x_percent": 0, "y_percent": 100});
    let made = picture(&new("/overlay-image", spotted));
    assert_eq!((made.pixel(0, 39), made.pixel(4, 35), made.pixel(5, 35)), (BLUE, BLUE, RED));
    let stroked = json!({"background_image_url": plain(40, 40, RED), "overlay_image_url": plain(10, 10, BLUE),
        "stroke_width": 3, "stroke_color": "#00ff00"});
    let made = picture(&new("/overlay-image", stroked));
    assert_eq!((made.pixel(13, 20), made.pixel(20, 20), made.pixel(10, 20)), ([0, 255, 0, 255], BLUE, RED));
}

#[test]
fn rows_and_columns_are_joined() {
    let pictures = [plain(10, 10, RED), plain(20, 30, BLUE)];
    let made =
        picture(&new("/concat-image", json!({"image_urls": pictures, "spacing": 5, "background_color": "white"})));
    assert_eq!(
        (size(&made), made.pixel(0, 0), made.pixel(0, 15), made.pixel(12, 15)),
        ((35, 30), [255; 4], RED, [255; 4])
    );
    let upright = json!({"image_urls": pictures, "direction": "vertical", "match_size": true, "alignment": "left"});
    assert_eq!(size(&picture(&new("/concat-image", upright))), (10, 25));
}

#[test]
fn a_grid_has_cells_of_one_size() {
    let pictures = [plain(10, 20, RED), plain(20, 10, BLUE), plain(20, 20, RED)];
    let made = picture(&new(
        "/image-grid",
        json!({"image_urls": pictures, "spacing": 4, "background_color": "transparent",
            "fit_mode": "contain", "cell_width": 20}),
    ));
    assert_eq!(size(&made), (44, 44));
    assert_eq!((made.pixel(0, 0), made.pixel(10, 10), made.pixel(43, 43)), (CLEAR, RED, CLEAR));
    let covered = json!({"image_urls": pictures, "columns": 3, "cell_width": 8, "cell_height": 8});
    let made = picture(&new("/image-grid", covered));
    assert_eq!((size(&made), made.pixel(0, 0), made.pixel(15, 7)), ((24, 8), RED, BLUE));
}

#[test]
fn words_stand_on_the_picture_in_their_colour_and_their_box() {
    let input = json!({"image_url": plain(200, 100, RED), "text": "Hi", "font_color": "blue", "font_size": 60, "stroke_width": 3,
        "stroke_color": "white"});
    let made = picture(&new("/add-text-to-image", input.clone()));
    let count = |colour: [u8; 4]| made.pixels().chunks_exact(4).filter(|pixel| *pixel == colour).count();
    assert!(count(BLUE) > 300 && count([255; 4]) > 300 && count(RED) > 5000);
    let corner = |x: u32, y: u32| made.pixel(x, y) == RED;
    assert!(corner(0, 0) && corner(199, 99), "words stand in the middle");
    let mut spotted = input.clone();
    spotted["x_percent"] = json!(100);
    spotted["anchor"] = json!("right");
    spotted["background_color"] = json!("none");
    let aside = picture(&new("/add-text-to-image", spotted));
    assert!((0..100).all(|x| (0..100).all(|y| aside.pixel(x, y) == RED)), "the left half is bare");
    let mut boxed = input;
    boxed["background_color"] = json!("#000000");
    boxed["position"] = json!("top-left");
    boxed["margin"] = json!(0);
    let made = picture(&new("/add-text-to-image", boxed));
    assert_eq!((made.pixel(0, 0), made.pixel(199, 99)), ([0, 0, 0, 255], RED));
}

#[test]
fn the_side_of_words_counts_at_the_middle_and_gives_way_to_a_position() {
    let input = json!({"image_url": plain(200, 100, RED), "text": "Hi", "font_color": "blue", "font_size": 40});
    let made = |more: &[(&str, &str)]| {
        let mut input = input.clone();
        for (name, value) in more {
            input[name] = json!(value);
        }
        picture(&new("/add-text-to-image", input))
    };
    let right_of_the_middle = made(&[("anchor", "left"), ("background_color", "none")]);
    assert!((0..100).all(|x| (0..100).all(|y| right_of_the_middle.pixel(x, y) == RED)));
    let placed = made(&[("position", "bottom-left")]);
    assert!(made(&[("position", "bottom-left"), ("anchor", "right")]).pixels() == placed.pixels());
}

#[test]
fn an_unknown_font_is_refused() {
    let error = refused("/add-text-to-image", json!({"image_url": plain(5, 5, RED), "text": "a", "font": "Nope"}));
    assert_eq!((&error[0]["type"], &error[0]["loc"][1]), (&json!("one_of"), &json!("font")));
}

#[test]
fn words_that_are_far_too_many_and_too_large_are_cut_off() {
    let input = json!({"image_url": plain(30, 20, RED), "text": "W\u{301}g ".repeat(1200), "font_size": 1000,
        "stroke_width": 100, "x_offset": -8192, "background_color": "blue"});
    assert_eq!(size(&picture(&new("/add-text-to-image", input))), (30, 20));
}

#[test]
fn of_a_list_one_is_picked_and_the_others_are_not_wanted() {
    let input = json!({"image_urls": [plain(1, 1, RED), plain(2, 2, BLUE)], "index": 1});
    let plan = tintype_tools::workflow_utilities().plan("/pick-image-by-index", input.as_object().unwrap()).unwrap();
    assert_eq!(plan.files().len(), 1);
    assert_eq!(picture(&new("/pick-image-by-index", input.clone())).pixel(0, 0), BLUE);
    let error = refused("/pick-image-by-index", json!({"image_urls": [plain(1, 1, RED)], "index": 1}));
    assert_eq!((&error[0]["type"], &error[0]["ctx"]["le"]), (&json!("less_than_equal"), &json!(0)));
}

#[test]
fn lists_are_split_and_merged_in_the_format_asked_for() {
    let pictures = [plain(3, 3, RED), plain(4, 4, [0, 0, 255, 100])];
    let parts = new("/split", json!({"image_urls": pictures, "output_format": "webp"}));
    let places: Vec<String> = parts.files.iter().map(|(place, _)| format!("{place:?}")).collect();
    assert_eq!(places, [r#"Member("image_1")"#, r#"Member("image_2")"#]);
    let merged = new("/merge", json!({"image_urls": pictures, "output_format": "png"}));
    let second = decode_canvas(&merged.files[1].1.bytes, &Limits::default()).unwrap();
    assert_eq!(second.pixel(0, 0), [0, 0, 255, 100]);
}

#[test]
fn sizes_change_by_cutting_padding_and_scaling() {
    let image = uri(&halves(RED, BLUE));
    let resize = |extra: Value| {
        let mut input = json!({"image_url": image, "width": 10, "height": 10});
        input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        old("/resize-image", input)
    };
    let cut = resize(json!({"mode": "crop", "cropping_position": "top_left"}));
    assert_eq!((size(&cut), cut.pixel(9, 9)), ((10, 10), RED));
    let padded = resize(json!({"mode": "pad", "padding_color": "white"}));
    assert_eq!((size(&padded), padded.pixel(0, 0), padded.pixel(1, 5)), ((10, 10), [255; 4], RED));
    assert_eq!(size(&resize(json!({"mode": "scale"}))), (10, 5));
    assert_eq!(size(&resize(json!({"mode": "scale", "scaling_proportions": "stretch"}))), (10, 10));
    let small = old("/resize-to-max-pixels", json!({"image_url": image, "max_pixels": 200, "enforce_divisibility": 4}));
    assert_eq!(size(&small), (20, 8));
}

#[test]
fn layers_and_masks() {
    let mask = uri(&halves([255; 4], [0, 0, 0, 255]));
    let made = old(
        "/composite-image",
        json!({"background_image_url": plain(40, 20, RED), "overlay_image_url": plain(7, 7, BLUE), "mask_image_url": mask}),
    );
    assert_eq!((made.pixel(5, 5), made.pixel(35, 5)), (BLUE, RED));
    let flat =
        old("/rgba-to-rgb", json!({"image_url": plain(2, 2, CLEAR), "transparent_color": {"r": 9, "g": 8, "b": 7}}));
    assert_eq!(flat.pixel(0, 0), [9, 8, 7, 255]);
    let inverted = old("/invert-mask", json!({"image_url": mask}));
    assert_eq!((inverted.pixel(0, 0)[0], inverted.pixel(39, 0)[0]), (0, 255));
    let edge = |canvas: &Canvas| (0..40).filter(|x| canvas.pixel(*x, 10)[0] == 255).count();
    assert_eq!(edge(&old("/grow-mask", json!({"image_url": mask, "pixels": 3}))), 23);
    assert_eq!(edge(&old("/shrink_mask", json!({"image_url": mask, "pixels": 3}))), 17);
    let soft = old("/blur-mask", json!({"image_url": mask, "radius": 4}));
    assert!((100..156).contains(&soft.pixel(20, 10)[0]) && soft.pixel(0, 10)[0] > 250);
    let seen = old("/transparent-image-to-mask", json!({"image_url": uri(&halves(CLEAR, RED))}));
    assert_eq!((seen.pixel(0, 0), seen.pixel(39, 0)), ([0, 0, 0, 255], [255; 4]));
    let edges = old("/canny", json!({"image_url": mask}));
    let column: Vec<u32> = (0..40).filter(|x| edges.pixel(*x, 10)[0] == 255).collect();
    assert!(column.len() == 1 && (19..=20).contains(&column[0]), "{column:?}");
}

/// A JPEG that says of itself that it lies on its side.
fn turned() -> String {
    let jpeg = encode_canvas(&Canvas::filled(40, 20, RED), Encoding::new(Format::Jpeg)).unwrap();
    let tiff = [&b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"[..]].concat();
    let length = (tiff.len() as u16 + 2).to_be_bytes();
    data_uri("image/jpeg", &[&jpeg[..2], b"\xff\xe1", &length, &tiff, &jpeg[2..]].concat())
}

#[test]
fn pictures_stand_upright_as_the_camera_held_them() {
    let output = run(&tintype_tools::workflowutils(), "/image-size", &json!({"image_url": turned()})).unwrap().0;
    assert_eq!(output.fields["image_size"], json!({"width": 20, "height": 40}));
}

#[test]
fn what_is_no_picture_is_refused_where_it_was_named() {
    let text = data_uri("image/png", b"hello");
    let error = refused("/concat-image", json!({"image_urls": [plain(1, 1, RED), text]}));
    assert_eq!(error[0]["type"], "unsupported_image_format");
    assert_eq!(error[0]["loc"], json!(["body", "image_urls", 1]));
    let png = encode_canvas(&Canvas::filled(9, 9, RED), Encoding::new(Format::Png)).unwrap();
    let cut = data_uri("image/png", &png[..png.len() / 2]);
    assert_eq!(refused("/crop-image", json!({"image_url": cut}))[0]["type"], "image_load_error");
}

#[test]
fn pictures_that_would_become_too_large_are_refused_before_they_are_made() {
    let wide = plain(4000, 10, RED);
    let error = refused("/concat-image", json!({"image_urls": [wide, wide, wide]}));
    assert_eq!((&error[0]["type"], &error[0]["ctx"]["max_width"]), (&json!("image_too_large"), &json!(8192)));
    let input = json!({"background_image_url": plain(9, 9, RED), "overlay_image_url": plain(900, 900, RED), "scale_percent": 2000});
    assert_eq!(refused("/overlay-image", input)[0]["loc"][1], "scale_percent");
    // Compresses to next to nothing, and unfolds to 36 million pixels.
    let mut bomb = Vec::new();
    image::GrayImage::new(6000, 6000).write_to(&mut Cursor::new(&mut bomb), image::ImageFormat::Png).unwrap();
    let error = refused("/crop-image", json!({"image_url": data_uri("image/png", &bomb)}));
    assert_eq!(error[0]["type"], "image_too_large");
}

#[test]
fn everything_wrong_with_an_input_is_told_at_once() {
    let input = json!({"image_url": 7, "text": null, "font_size": 0, "font_color": "blurple", "position": "middle"});
    let error = refused("/add-text-to-image", input);
    let kinds: Vec<_> = error.as_array().unwrap().iter().map(|detail| detail["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["string_type", "missing", "greater_than_equal", "value_error", "one_of"]);
}

fn effect(path: &str, input: Value) -> Canvas {
    picture(&run(&tintype_tools::post_processing(), path, &input).unwrap().0)
}

#[test]
fn looks_change_colours_and_keep_transparency() {
    let veil = |colour: [u8; 3]| plain(8, 8, [colour[0], colour[1], colour[2], 90]);
    let grey = effect("/desaturate", json!({"image_url": veil([200, 100, 0]), "desaturate_method": "average"}));
    assert_eq!(grey.pixel(4, 4), [100, 100, 100, 90]);
    let neutral = effect("/color-correction", json!({"image_url": veil([200, 100, 0])}));
    assert_eq!(neutral.pixel(4, 4), [200, 100, 0, 90]);
    let dark = effect("/color-correction", json!({"image_url": veil([200, 100, 0]), "brightness": -50}));
    assert_eq!(dark.pixel(4, 4), [100, 50, 0, 90]);
    let warm = effect("/color-correction", json!({"image_url": veil([100, 100, 100]), "temperature": 50}));
    assert!(warm.pixel(4, 4)[0] > warm.pixel(4, 4)[2]);
    let turned = effect("/solarize", json!({"image_url": veil([200, 100, 0])}));
    assert_eq!(turned.pixel(4, 4), [55, 100, 0, 90]);
    let both = json!({"image_url": plain(8, 8, RED), "dissolve_image_url": plain(2, 2, BLUE), "dissolve_factor": 0.5});
    assert_eq!(effect("/dissolve", both).pixel(4, 4), [128, 0, 128, 255]);
    let sepia = effect("/color-tint", json!({"image_url": veil([100, 100, 100])})).pixel(4, 4);
    assert!(sepia[0] > sepia[1] && sepia[1] > sepia[2], "{sepia:?}");
}

#[test]
fn light_falls_off_and_colours_move_apart() {
    let edge = effect("/vignette", json!({"image_url": plain(64, 64, [255; 4]), "vignette_strength": 1}));
    assert!(edge.pixel(32, 32)[0] > 250 && edge.pixel(0, 0)[0] < 10);
    let image = uri(&halves([0, 0, 0, 255], [255; 4]));
    let apart = effect("/chromatic-aberration", json!({"image_url": image, "red_shift": 5, "blue_shift": -5}));
    assert_eq!((apart.pixel(22, 5), apart.pixel(17, 5)), ([0, 255, 255, 255], [0, 0, 255, 255]));
    for mode in ["dodge", "color_dodge", "linear_dodge"] {
        let grey = plain(2, 2, [100, 100, 100, 255]);
        let light = effect("/dodge-burn", json!({"image_url": grey, "dodge_burn_mode": mode})).pixel(0, 0)[0];
        let dark = effect("/dodge-burn", json!({"image_url": grey, "dodge_burn_mode": mode.replace("dodge", "burn")}));
        assert!(light > 100 && dark.pixel(0, 0)[0] < 100, "{mode}");
    }
}

/// Whether each endpoint of a manifest is served, and takes the examples that it shows.
fn check(model: &impl Model, folder: &str) {
    let path = format!("{}/../../models/{folder}/model.toml", env!("CARGO_MANIFEST_DIR"));
    let manifest: Map<String, Value> = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let served = model.paths();
    for endpoint in manifest["endpoints"].as_array().unwrap() {
        let path = endpoint["path"].as_str().unwrap();
        assert!(served.iter().any(|known| known == path), "{folder}{path} is not served");
        let examples = endpoint["examples"].as_array().map(Vec::as_slice).unwrap_or_default();
        for example in examples {
            let input = example["input"].as_object().unwrap();
            if let Err(invalid) = model.plan(path, input) {
                panic!("{folder}{path}: {invalid}");
            }
        }
    }
}

#[test]
fn the_manifests_show_what_is_served() {
    check(&tintype_tools::workflow_utilities(), "workflow-utilities");
    check(&tintype_tools::workflowutils(), "workflowutils");
    check(&tintype_tools::text_concat(), "text-concat");
    check(&tintype_tools::post_processing(), "post-processing");
}
