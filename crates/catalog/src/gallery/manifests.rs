//! The manifests that are compiled in. A test compares this list with the folder.

macro_rules! manifests {
    ($($folder:literal),* $(,)?) => {
        &[$(($folder, include_str!(concat!("../../../../models/", $folder, "/model.toml")))),*]
    };
}

/// One line for each folder in `models/`, in the order of the alphabet.
#[rustfmt::skip]
pub(super) const MANIFESTS: &[(&str, &str)] = manifests![
    "fast-sdxl",
    "fast-turbo-diffusion",
    "ffmpeg-api",
    "flux",
    "flux-lora",
    "image-preprocessors",
    "lora",
    "mms-tts",
    "post-processing",
    "sam2",
    "sketch",
    "sketch-train",
    "sketch-video",
    "solids",
    "stable-diffusion-v15",
    "stable-diffusion-v35-large",
    "stable-diffusion-v35-medium",
    "text-concat",
    "tones",
    "voice",
    "whisper",
    "wizper",
    "workflow-utilities",
    "workflowutils",
    "z-image",
];

pub(super) const DIAGNOSTICS: &[(&str, &str)] = &[("noop", include_str!("../noop.toml"))];
