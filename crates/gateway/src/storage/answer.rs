//! Bodies of the storage answers.

use serde::Serialize;

/// Of a direct upload.
#[derive(Serialize)]
pub(crate) struct Uploaded {
    /// What clients read.
    pub access_url: String,
    pub file_url: String,
    pub content_type: String,
    pub file_name: String,
    pub file_size: u64,
}

/// Of a multipart upload that begins on the CDN host.
#[derive(Serialize)]
pub(crate) struct Begun {
    pub access_url: String,
    #[serde(rename = "uploadId")]
    pub upload_id: String,
}

/// Of an upload to a signed address.
#[derive(Serialize)]
pub(crate) struct Initiated {
    pub upload_url: String,
    pub file_url: String,
}

/// Of one part. Clients in JavaScript read the body, those in Python the `ETag` header.
#[derive(Serialize)]
pub(crate) struct PartStored {
    #[serde(rename = "partNumber")]
    pub part_number: u32,
    pub etag: String,
}

/// Of a finished multipart or signed upload; clients ignore it.
#[derive(Serialize)]
pub(crate) struct Completed {
    pub access_url: String,
    pub file_url: String,
    pub file_size: u64,
}

/// Of a request for a token.
#[derive(Serialize)]
pub(crate) struct Granted {
    pub token: String,
    pub token_type: &'static str,
    pub base_url: String,
    pub expires_at: String,
}
