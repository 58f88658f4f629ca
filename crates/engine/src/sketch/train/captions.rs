//! The text of a caption file, in whatever encoding it was saved.

/// Longer is no caption.
const LONGEST: usize = 16 << 10;

/// UTF-8 and UTF-16 with or without their marks, and else one byte a letter, as old Windows programs write. `None`: it is
/// no text, or a book.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    if bytes.len() > LONGEST {
        return None;
    }
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => str::from_utf8(rest).ok()?.to_owned(),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        // In Latin text every second byte is zero; which one tells the order.
        [_, 0, ..] => wide(bytes, u16::from_le_bytes).filter(is_latin)?,
        [0, _, ..] => wide(bytes, u16::from_be_bytes).filter(is_latin)?,
        _ => match str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        },
    };
    let text = text.trim().to_owned();
    // No editor writes these, and every format that is no text has them. Above ASCII stand quotes of old programs.
    let is_binary = |letter: char| letter.is_ascii_control() && !letter.is_ascii_whitespace();
    (!text.contains(is_binary)).then_some(text)
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
}

#[expect(clippy::ptr_arg, reason = "it filters an option of a text")]
fn is_latin(text: &String) -> bool {
    text.chars().all(|letter| letter < '\u{250}' || matches!(letter, '\u{2010}'..='\u{2044}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_read_in_every_encoding_that_editors_write() {
        let text = "a café arrow";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        let all = [
            text.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", text.as_bytes()),
            marked(b"\xff\xfe", &little),
            marked(b"\xfe\xff", &big),
            little,
            big,
            b"a caf\xe9 arrow\r\n".to_vec(),
        ];
        for bytes in all {
            assert_eq!(decode(&bytes).as_deref(), Some(text), "{bytes:?}");
        }
        assert_eq!(decode(b" \n").as_deref(), Some(""));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), None);
        assert_eq!(decode(&vec![b'a'; LONGEST + 1]), None);
        let binary: [&[u8]; 8] = [
            b"a red\x07 zorp",
            b"\x7fELF\x02\x01",
            b"\x1f\x8b\x08\x08z",
            b"a\0b",
            b"\0\x01\x02",
            b"a\0\x03\x04\x05\x06",
            b"\xff\xfe\0\xd8a\0",
            b"\xef\xbb\xbf\xff\xfe",
        ];
        for bytes in binary {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
