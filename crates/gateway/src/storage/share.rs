//! What an owner does with a file later: signs an address for a reader, changes who may read it, deletes it.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tintype_store::{Acl, FileRecord};

use super::{body::Small, error::Error, files::Files, links::OwnFile};

const DEFAULT_SECONDS: u64 = 24 * 3600;
const MAX_SECONDS: u64 = 7 * 24 * 3600;

#[derive(Deserialize)]
pub(crate) struct Address {
    url: String,
}

#[derive(Deserialize)]
struct Term {
    #[serde(alias = "expiration_seconds")]
    duration: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct SignedAddress {
    signed_url: String,
}

/// What a signature for reading signs.
pub(crate) fn reading(id: &str) -> String {
    format!("read:{id}")
}

/// `POST /files/b/{id}/{name}/sign`
pub(crate) async fn sign(
    State(files): State<Files>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Small,
) -> Result<Json<SignedAddress>, Error> {
    let file = files.owned(&headers, &id, &name).await?;
    files.signed(&file, &body).map(Json)
}

/// `POST /v1/storage/files/sign?url=`
pub(crate) async fn sign_address(
    State(files): State<Files>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: Small,
) -> Result<Json<SignedAddress>, Error> {
    let file = files.owned_by_address(&headers, &address).await?;
    files.signed(&file, &body).map(Json)
}

/// `GET /v1/storage/files/acl?url=`
pub(crate) async fn acl(
    State(files): State<Files>,
    Query(address): Query<Address>,
    headers: HeaderMap,
) -> Result<Json<Acl>, Error> {
    Ok(Json(files.owned_by_address(&headers, &address).await?.acl))
}

/// `PUT /v1/storage/files/acl?url=`. The answer shows what stuck.
pub(crate) async fn set_acl(
    State(files): State<Files>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: Small,
) -> Result<Json<Acl>, Error> {
    let file = files.owned_by_address(&headers, &address).await?;
    let mut acl: Acl = body.json("default", "{\"default\": \"allow\" | \"forbid\" | \"hide\", \"rules\": [...]}")?;
    files.drop_unknown_users(&mut acl).await?;
    if files.store.set_acl(&file.id, acl.clone()).await? { Ok(Json(acl)) } else { Err(Error::NoFile) }
}

/// `DELETE /v1/storage/files?url=`. The bytes go first: a crash in between leaves a record without a file, never a file
/// that was said to be gone.
pub(crate) async fn delete(
    State(files): State<Files>,
    Query(address): Query<Address>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    let file = files.owned_by_address(&headers, &address).await?;
    files.blobs.delete(&file.id).await?;
    files.store.delete_file(&file.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Files {
    async fn owned_by_address(&self, headers: &HeaderMap, address: &Address) -> Result<FileRecord, Error> {
        let OwnFile { id, name, .. } = self.own_file(&address.url).ok_or(Error::NoFile)?;
        self.owned(headers, &id, &name).await
    }

    async fn owned(&self, headers: &HeaderMap, id: &str, name: &str) -> Result<FileRecord, Error> {
        let account = self.caller(headers).await?.account;
        let file = self.live(id).await?;
        if file.account == account && file.name == name { Ok(file) } else { Err(Error::NoFile) }
    }

    fn signed(&self, file: &FileRecord, body: &Small) -> Result<SignedAddress, Error> {
        let term: Term = body.json("duration", "{\"duration\": seconds}")?;
        let seconds = term.duration.unwrap_or(DEFAULT_SECONDS);
        if !(1..=MAX_SECONDS).contains(&seconds) {
            let message = format!("found {seconds}: expected 1 to {MAX_SECONDS} seconds");
            return Err(Error::field("value_error", "duration", message));
        }
        let signature = self.signer.sign(&reading(&file.id), self.now().plus(Duration::from_secs(seconds)));
        Ok(SignedAddress { signed_url: format!("{}?{}", self.file_url(&file.id, &file.name), signature.to_query()) })
    }
}
