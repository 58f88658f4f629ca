//! `/files/missing_hashes` and `/files/app/multipart/...`: app files before a deployment.

use axum::{
    Json,
    extract::{Multipart, Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_domain::AccountId;

use super::{
    Caller, Problem,
    app_files::is_hash,
    blocking, form,
    parcels::{MAX_PART, MAX_PARTS, Parcel},
};
use crate::Serverless;

#[derive(Deserialize)]
pub(super) struct Asked {
    hashes: Vec<String>,
}

pub(super) async fn missing(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Json(Asked { hashes }): Json<Asked>,
) -> Result<Json<Vec<String>>, Problem> {
    blocking(move || Ok(Json(serverless.files.missing(&account, &hashes)))).await
}

pub(super) async fn initiate(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(hash): Path<String>,
) -> Result<Json<Value>, Problem> {
    if !is_hash(&hash) {
        let found: String = hash.chars().take(80).collect();
        return Err(Problem::Bad(format!("`{found}` is not a SHA-256 in hexadecimal")));
    }
    blocking(move || {
        if serverless.files.find(&account, &hash).is_some() {
            return Err(Problem::Stored);
        }
        let parcel = serverless.files.parcels().begin(&account, &hash, serverless.clock.now())?;
        Ok(Json(json!({"upload_id": parcel.id})))
    })
    .await
}

pub(super) async fn part(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path((hash, upload, number)): Path<(String, String, String)>,
    form: Multipart,
) -> Result<Json<Value>, Problem> {
    let parcel = find(&serverless, &account, &hash, &upload)?;
    receive_part(&parcel, &number, form).await
}

#[derive(Deserialize)]
pub(super) struct Whole {
    parts: Vec<Part>,
    metadata: Metadata,
}

#[derive(Deserialize)]
pub(super) struct Part {
    pub part_number: u32,
    pub etag: String,
}

#[derive(Deserialize)]
struct Metadata {
    mode: String,
}

pub(super) async fn complete(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path((hash, upload)): Path<(String, String)>,
    Json(Whole { parts, metadata }): Json<Whole>,
) -> Result<Json<Value>, Problem> {
    blocking(move || {
        // A repeat, after an answer that got lost.
        if serverless.files.find(&account, &hash).is_some() {
            return Ok(Json(json!({"etag": hash})));
        }
        let parcel = find(&serverless, &account, &hash, &upload)?;
        serverless.files.keep(&account, &hash, &metadata.mode, &parcel, &numbered(parts))?;
        parcel.end()?;
        Ok(Json(json!({"etag": hash})))
    })
    .await
}

pub(super) async fn cancel(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path((hash, upload)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    blocking(move || {
        find(&serverless, &account, &hash, &upload)?.end()?;
        Ok(Json(json!({})))
    })
    .await
}

fn find(serverless: &Serverless, account: &AccountId, hash: &str, upload: &str) -> Result<Parcel, Problem> {
    let found = serverless.files.parcels().find(upload, account, hash);
    found.ok_or_else(|| no_upload(upload))
}

pub(super) fn no_upload(upload: &str) -> Problem {
    Problem::NotFound { what: "upload", found: upload.chars().take(80).collect() }
}

pub(super) fn numbered(parts: Vec<Part>) -> Vec<(u32, String)> {
    parts.into_iter().map(|part| (part.part_number, part.etag)).collect()
}

/// Writes down one part of whatever upload it belongs to.
pub(super) async fn receive_part(parcel: &Parcel, number: &str, form: Multipart) -> Result<Json<Value>, Problem> {
    let expected = || Problem::Bad(format!("part number `{number:.20}`: expected 1 to {MAX_PARTS}"));
    let number: u32 = number.parse().ok().filter(|number| (1..=MAX_PARTS).contains(number)).ok_or_else(expected)?;
    let (file, place) = parcel.receive()?;
    let received = form::receive(form, file, MAX_PART).await;
    match received {
        Ok(etag) => {
            parcel.settle(number, &etag, &place)?;
            Ok(Json(json!({"part_number": number, "etag": etag})))
        }
        Err(problem) => {
            // What is left over goes with the upload.
            let _ = std::fs::remove_file(place);
            Err(problem)
        }
    }
}
