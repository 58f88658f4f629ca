//! The manifests that are compiled in. A test compares this list with the folder.

macro_rules! manifests {
    ($($folder:literal),* $(,)?) => {
        &[$(($folder, include_str!(concat!("../../../../models/", $folder, "/model.toml")))),*]
    };
}

/// One line for each folder in `models/`, in the order of the alphabet.
#[rustfmt::skip]
pub(super) const MANIFESTS: &[(&str, &str)] = manifests![
    "sketch",
    "text-concat",
    "workflow-utilities",
    "workflowutils",
];

pub(super) const DIAGNOSTICS: &[(&str, &str)] = &[("noop", include_str!("../noop.toml"))];
