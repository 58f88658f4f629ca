//! `POST /storage/upload/initiate`: an address to put a file to, and the address that it will
//! have.

use axum::{Json, extract::State};
use http::HeaderMap;
use serde::Deserialize;
use tintype_blob::new_id;
use tintype_store::Upload;

use super::{
    answer::Initiated,
    body::Small,
    caller::Caller,
    error::Error,
    files::{Files, UPLOAD_LIFETIME},
    name::sanitized,
    receive::{Announced, content_type},
};

const DEFAULT_NAME: &str = "upload.bin";

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
}

pub(crate) async fn initiate(
    State(files): State<Files>,
    headers: HeaderMap,
    body: Small,
) -> Result<Json<Initiated>, Error> {
    let upload = open(&files, &headers, &body).await?;
    Ok(Json(files.initiated(&upload)))
}

pub(crate) async fn open(files: &Files, headers: &HeaderMap, body: &Small) -> Result<Upload, Error> {
    let caller = files.caller(headers).await?;
    let wanted: Wanted = body.json("file_name", "{\"file_name\": \"...\", \"content_type\": \"...\"}")?;
    let announced = Announced {
        name: sanitized(wanted.file_name.as_deref().unwrap_or(DEFAULT_NAME)),
        content_type: content_type(wanted.content_type.as_deref()),
    };
    files.open_upload(headers, &caller, announced).await
}

/// What an upload's signature signs.
pub(crate) fn subject(upload: &str) -> String {
    format!("upload:{upload}")
}

impl Files {
    /// Where the file goes, and where it will be.
    pub(crate) fn initiated(&self, upload: &Upload) -> Initiated {
        let signature = self.signer.sign(&subject(&upload.id), upload.expires_at);
        Initiated {
            upload_url: self.upload_url(&upload.id, &signature.to_query()),
            file_url: self.file_url(&upload.file, &upload.name),
        }
    }

    /// Promises an address.
    pub(crate) async fn open_upload(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
        announced: Announced,
    ) -> Result<Upload, Error> {
        let kept = self.lifecycle(headers, caller).await?;
        let now = self.now();
        // One id for both: who repeats a call whose answer got lost finds the file by it.
        let id = new_id();
        let upload = Upload {
            id: id.clone(),
            file: id,
            name: announced.name,
            account: caller.account.clone(),
            content_type: announced.content_type,
            acl: kept.acl,
            lifetime: kept.lifetime,
            created_at: now,
            expires_at: now.plus(UPLOAD_LIFETIME),
        };
        self.store.insert_upload(upload.clone()).await?;
        Ok(upload)
    }
}
