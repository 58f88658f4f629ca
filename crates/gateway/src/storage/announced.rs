//! Uploads whose parts are announced one by one: `POST {upload_url}/{n}` asks for the address of a part, and
//! `POST {upload_url}/complete` ends it. The tools append to the address as it is, so it carries no signature, and each
//! call brings its key instead.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_store::Upload;

use super::{
    answer::{Completed, Initiated},
    body::Small,
    error::Error,
    files::Files,
    initiate::{self, subject},
    multipart::part_number,
};

const ANNOUNCED: &str = "gcs";

#[derive(Deserialize)]
pub(crate) struct Kind {
    #[serde(default)]
    storage_type: String,
}

/// `POST /storage/upload/initiate-multipart`.
pub(crate) async fn initiate(
    State(files): State<Files>,
    Query(Kind { storage_type }): Query<Kind>,
    headers: HeaderMap,
    body: Small,
) -> Result<Json<Initiated>, Error> {
    let upload = initiate::open(&files, &headers, &body).await?;
    if storage_type == ANNOUNCED {
        let file_url = files.file_url(&upload.file, &upload.name);
        return Ok(Json(Initiated { upload_url: format!("{}/files/parts/{}", files.base(), upload.id), file_url }));
    }
    Ok(Json(files.initiated(&upload)))
}

pub(crate) async fn part(
    State(files): State<Files>,
    Path((upload, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    let upload = own(&files, &headers, &upload).await?;
    let number = part_number(&number)?;
    let signature = files.signer.sign(&subject(&upload.id), upload.expires_at);
    let upload_url = files.upload_url(&format!("{}/{number}", upload.id), &signature.to_query());
    Ok(Json(json!({"upload_url": upload_url})))
}

pub(crate) async fn complete(
    State(files): State<Files>,
    Path(upload): Path<String>,
    headers: HeaderMap,
    body: Small,
) -> Result<Json<Completed>, Error> {
    let account = files.caller(&headers).await?.account;
    match files.upload(&upload).await {
        Ok(upload) if upload.account == account => files.assemble(&upload, &body).await.map(Json),
        Ok(_) => Err(Error::NoUpload),
        Err(error) => files.completed_before(&upload, Some(&account), error).await.map(Json),
    }
}

async fn own(files: &Files, headers: &HeaderMap, upload: &str) -> Result<Upload, Error> {
    let account = files.caller(headers).await?.account;
    let upload = files.upload(upload).await?;
    if upload.account == account { Ok(upload) } else { Err(Error::NoUpload) }
}
