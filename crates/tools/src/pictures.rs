//! Tools for pictures.
//!
//! Pictures are upright as the camera held them, keep their transparency where the format of the answer has a place for it,
//! and are taken as sRGB: colour profiles are neither read nor written.

mod anchor;
mod blur;
mod call;
mod canny;
mod colour;
mod compress;
mod crop;
mod distance;
mod effects;
mod given;
mod layers;
mod lettering;
mod masks;
mod resize;
mod rows;
mod several;
mod words;

use crate::Route;
pub(crate) use call::texts;
pub(crate) use effects::routes as effects;

/// What pictures add to `workflow-utilities`.
pub(crate) fn workflow_routes() -> Vec<Route> {
    vec![
        Route::new("/compress-image", compress::plan),
        Route::new("/crop-image", crop::plan),
        Route::new("/overlay-image", layers::overlay),
        Route::new("/concat-image", rows::concat),
        Route::new("/image-grid", rows::grid),
        Route::new("/add-text-to-image", words::plan),
        Route::new("/pick-image-by-index", several::pick),
        Route::new("/split", several::split),
        Route::new("/merge", several::merge),
    ]
}

/// What pictures add to `workflowutils`, the older of the two. Masks go by two spellings there.
pub(crate) fn older_routes() -> Vec<Route> {
    vec![
        Route::new("/resize-image", resize::plan),
        Route::new("/resize-to-max-pixels", resize::to_max_pixels),
        Route::new("/crop-image", crop::plan),
        Route::new("/image-size", crop::size),
        Route::new("/composite-image", layers::composite),
        Route::new("/rgba-to-rgb", layers::flatten),
        Route::new("/invert-mask", masks::invert),
        Route::new("/invert_mask", masks::invert),
        Route::new("/blur-mask", masks::blur),
        Route::new("/blur_mask", masks::blur),
        Route::new("/grow-mask", masks::grow),
        Route::new("/grow_mask", masks::grow),
        Route::new("/shrink-mask", masks::shrink),
        Route::new("/shrink_mask", masks::shrink),
        Route::new("/transparent-image-to-mask", masks::of_transparency),
        Route::new("/transparent-image-to_mask", masks::of_transparency),
        Route::new("/canny", canny::plan),
    ]
}
