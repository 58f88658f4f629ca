//! `data:` URIs: files that travel inside their own address.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use bytes::Bytes;

/// Padding is often lost on the way.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const LENIENT_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// What a `data:` URI holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataUri {
    /// As declared; `text/plain` when it says nothing.
    pub content_type: String,
    pub bytes: Bytes,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataUriError {
    #[error("it does not begin with `data:`")]
    NotDataUri,
    #[error("it has no comma between its type and its content: expected data:<type>;base64,<content>")]
    NoComma,
    #[error("its content is not base64")]
    Base64,
    #[error("its content is longer than {limit} bytes")]
    TooLong { limit: usize },
}

impl DataUri {
    /// `limit`: most bytes of content.
    pub fn parse(text: &str, limit: usize) -> Result<Self, DataUriError> {
        let rest = strip_scheme(text).ok_or(DataUriError::NotDataUri)?;
        let (head, content) = rest.split_once(',').ok_or(DataUriError::NoComma)?;
        // Base64 carries three bytes in four letters, percent-encoding one byte in three; white space is free, so a
        // text far beyond that is refused before it is copied.
        if content.len() / 4 > limit {
            return Err(DataUriError::TooLong { limit });
        }
        let (content_type, base64) = match head.rsplit_once(';') {
            Some((kind, mark)) if mark.trim().eq_ignore_ascii_case("base64") => (kind, true),
            _ => (head, false),
        };
        let bytes =
            if base64 { from_base64(content)? } else { percent_encoding::percent_decode_str(content).collect() };
        if bytes.len() > limit {
            return Err(DataUriError::TooLong { limit });
        }
        let content_type = match content_type.trim() {
            "" => "text/plain",
            given => given,
        };
        Ok(Self { content_type: content_type.to_owned(), bytes: bytes.into() })
    }
}

fn strip_scheme(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let scheme = text.get(..5)?;
    scheme.eq_ignore_ascii_case("data:").then(|| &text[5..])
}

fn from_base64(content: &str) -> Result<Vec<u8>, DataUriError> {
    let unescaped = percent_encoding::percent_decode_str(content);
    let letters: Vec<u8> = unescaped.filter(|letter| !letter.is_ascii_whitespace()).collect();
    let decoded = LENIENT_STANDARD.decode(&letters).or_else(|_| LENIENT_URL_SAFE.decode(&letters));
    decoded.map_err(|_| DataUriError::Base64)
}

/// `data:{content_type};base64,...`
pub fn data_uri(content_type: &str, bytes: &[u8]) -> String {
    let mut uri = format!("data:{content_type};base64,");
    BASE64_STANDARD.encode_string(bytes, &mut uri);
    uri
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> (String, Vec<u8>) {
        let uri = DataUri::parse(text, 100).unwrap();
        (uri.content_type, uri.bytes.to_vec())
    }

    #[test]
    fn the_usual_forms_are_read() {
        assert_eq!(parsed("data:image/png;base64,aGk="), ("image/png".into(), b"hi".to_vec()));
        assert_eq!(parsed("DATA:image/png;BASE64,aGk"), ("image/png".into(), b"hi".to_vec()));
        assert_eq!(parsed("data:;base64,_-8"), ("text/plain".into(), vec![0xff, 0xef]));
        assert_eq!(parsed("data:text/plain;charset=utf-8,a%20b"), ("text/plain;charset=utf-8".into(), b"a b".to_vec()));
        assert_eq!(parsed(" data:image/png;base64,a G\nk%3D"), ("image/png".into(), b"hi".to_vec()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(DataUri::parse("http://x", 9), Err(DataUriError::NotDataUri));
        assert_eq!(DataUri::parse("dätä:", 9), Err(DataUriError::NotDataUri));
        assert_eq!(DataUri::parse("data:image/png;base64", 9), Err(DataUriError::NoComma));
        assert_eq!(DataUri::parse("data:image/png;base64,a!b", 9), Err(DataUriError::Base64));
        assert_eq!(DataUri::parse("data:,0123456789", 9), Err(DataUriError::TooLong { limit: 9 }));
        assert_eq!(
            DataUri::parse(&format!("data:;base64,{}", "A".repeat(100)), 9),
            Err(DataUriError::TooLong { limit: 9 })
        );
    }

    proptest! {
        #[test]
        fn what_is_made_is_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let uri = DataUri::parse(&data_uri("image/webp", &bytes), 200).unwrap();
            prop_assert_eq!(uri, DataUri { content_type: "image/webp".into(), bytes: bytes.into() });
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,80}") {
            let _ = DataUri::parse(&text, 20);
            let _ = DataUri::parse(&format!("data:{text}"), 20);
        }
    }
}
