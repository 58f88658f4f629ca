//! Which kind of file a name speaks of, and the other way round.

use std::path::Path;

/// The first name of a kind is the one that files of it are given.
const TYPES: [(&str, &str); 35] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("tiff", "image/tiff"),
    ("tif", "image/tiff"),
    ("svg", "image/svg+xml"),
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("mkv", "video/x-matroska"),
    ("avi", "video/x-msvideo"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
    ("json", "application/json"),
    ("txt", "text/plain"),
    ("srt", "application/x-subrip"),
    ("vtt", "text/vtt"),
    ("csv", "text/csv"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("tar", "application/x-tar"),
    ("glb", "model/gltf-binary"),
    ("gltf", "model/gltf+json"),
    ("obj", "model/obj"),
    ("stl", "model/stl"),
];

pub(super) fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let known = TYPES.iter().find(|(name, _)| extension.as_deref() == Some(*name));
    known.map_or("application/octet-stream", |(_, content_type)| content_type)
}

/// `.png` for `image/png`; nothing for what is not known.
pub(super) fn extension(content_type: &str) -> String {
    let essence = content_type.split([';', ',']).next().unwrap_or_default().trim();
    let known = TYPES.iter().find(|(_, known)| known.eq_ignore_ascii_case(essence));
    known.map(|(name, _)| format!(".{name}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_of_files_lead_to_each_other() {
        assert_eq!(content_type(Path::new("a/B.JPEG")), "image/jpeg");
        assert_eq!(content_type(Path::new("png")), "application/octet-stream");
        assert_eq!((extension("image/jpeg; q=1").as_str(), extension("x/y").as_str()), (".jpg", ""));
    }
}
