//! `data:` URIs: files that travel inside their own address.

use bytes::Bytes;

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
    pub fn parse(_text: &str, _limit: usize) -> Result<Self, DataUriError> {
        todo!()
    }
}

/// `data:{content_type};base64,...`
pub fn data_uri(_content_type: &str, _bytes: &[u8]) -> String {
    todo!()
}
