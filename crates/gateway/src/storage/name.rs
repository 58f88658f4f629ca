//! File names: from whatever a caller sends to what may stand in an address and on a disk.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Longest name, in characters.
const MAX_LENGTH: usize = 120;

/// What stays as it is in a path segment; everything else is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'+');

/// The last part of a path that the caller sent, without what would mislead a reader or a file system. Never empty.
pub(crate) fn sanitized(name: &str) -> String {
    let decoded = percent_decode_str(name).decode_utf8().unwrap_or(name.into());
    let last = decoded.rsplit(['/', '\\']).find(|part| !part.trim_matches(['.', ' ']).is_empty()).unwrap_or("");
    let kept = |letter: char| if is_safe(letter) { letter } else { '_' };
    let clean: String = last.trim().trim_start_matches('.').chars().map(kept).collect();
    let clean = shortened(&clean);
    if clean.is_empty() { "file".to_owned() } else { clean }
}

/// Keeps the extension: programs go by it.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= MAX_LENGTH {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension).filter(|extension| extension.len() <= 16);
    let tail = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
    let head: String = name.chars().take(MAX_LENGTH - tail.chars().count()).collect();
    format!("{head}{tail}")
}

/// Letters and digits of any script, and what is common between them. Directional marks and other invisible letters,
/// quotes, and what shells and addresses give a meaning to are out.
fn is_safe(letter: char) -> bool {
    letter.is_alphanumeric() || " -_.+()@,=~".contains(letter)
}

/// As it stands in an address.
pub(crate) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// `filename` for what everyone reads, `filename*` where there is more than ASCII.
pub(crate) fn disposition(name: &str) -> String {
    let ascii: String = name.chars().map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
    if name.is_ascii() {
        format!("inline; filename=\"{ascii}\"")
    } else {
        format!("inline; filename=\"{ascii}\"; filename*=UTF-8''{}", encoded(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay() {
        for name in ["a.png", "my photo (2).jpeg", "1700000000000.svg+xml", "画像.webp", "a_b-c.tar.gz"] {
            assert_eq!(sanitized(name), name);
        }
    }

    #[test]
    fn paths_and_traps_are_taken_out() {
        for (name, expected) in [
            ("../../etc/passwd", "passwd"),
            ("..", "file"),
            ("", "file"),
            ("/", "file"),
            ("a/b/..", "b"),
            ("C:\\Users\\me\\x.png", "x.png"),
            ("%2e%2e%2fsecret", "secret"),
            (".htaccess", "htaccess"),
            ("a\"b\r\nSet-Cookie: x", "a_b__Set-Cookie_ x"),
            ("x\u{202e}gnp.exe", "x_gnp.exe"),
            ("a?b#c%zz", "a_b_c_zz"),
        ] {
            assert_eq!(sanitized(name), expected, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = sanitized(&format!("{}.png", "é".repeat(500)));
        assert_eq!(name.chars().count(), 120);
        assert!(name.ends_with("é.png"));
    }

    #[test]
    fn names_are_encoded_for_addresses_and_headers() {
        assert_eq!(encoded("my photo+é.png"), "my%20photo+%C3%A9.png");
        assert_eq!(disposition("a b.png"), "inline; filename=\"a b.png\"");
        assert_eq!(disposition("é.png"), "inline; filename=\"_.png\"; filename*=UTF-8''%C3%A9.png");
    }
}
