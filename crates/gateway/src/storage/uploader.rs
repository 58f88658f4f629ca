//! `/v1/uploads` and `/v1/upload-sessions`: how apps put their files, on a socket that only they reach.
//!
//! An upload is accepted when the file is stored and recorded, so its address works at once and there is nothing to wait
//! for afterwards. A session's id proves that its holder began it: the ids of files stand in their addresses, and who
//! knows one must not be able to take the file away.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::json;
use tintype_access::Purpose;
use tintype_blob::{Signature, new_id};
use tintype_store::FileRecord;
use tintype_wire::header::CDN_TOKEN;

use super::{
    body::Small,
    caller::Caller,
    error::Error,
    files::{Files, UPLOAD_LIFETIME},
    receive::Announced,
};

/// `POST /v1/uploads`: a file at once.
pub(crate) async fn accept(State(files): State<Files>, headers: HeaderMap, body: Body) -> Result<Response, Error> {
    let _place = files.uploads.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
    let caller = files.uploading(&headers).await?;
    let kept = files.lifecycle(&headers, &caller).await?;
    let stored = files.receive(&new_id(), &headers, body).await?;
    let file = files.record(&stored, Announced::of(&headers), &caller, kept);
    let answer = files.accepted(&file);
    files.keep(file).await?;
    Ok(answer)
}

/// `GET /v1/uploads/{id}`.
pub(crate) async fn state(State(files): State<Files>, Path(id): Path<String>) -> Result<Response, Error> {
    files.store.file(&id).await?.ok_or(Error::NoUpload)?;
    Ok(Json(json!({"state": "completed"})).into_response())
}

/// `POST /v1/upload-sessions`: the address of a file that is still to come.
pub(crate) async fn begin(State(files): State<Files>, headers: HeaderMap) -> Result<Response, Error> {
    let caller = files.uploading(&headers).await?;
    let upload = files.open_upload(&headers, &caller, Announced::of(&headers)).await?;
    let signature = files.signer.sign(&subject(&upload.id), files.now().plus(UPLOAD_LIFETIME));
    let body = json!({
        "state": "receiving",
        "upload_id": format!("{}~{}", upload.id, signature.to_query()),
        "file_url": files.file_url(&upload.file, &upload.name),
    });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// `PUT /v1/upload-sessions/{id}/body`.
pub(crate) async fn fill(
    State(files): State<Files>,
    Path(session): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Error> {
    let _place = files.uploads.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
    let upload = files.upload(files.session(&session)?).await?;
    let stored = files.receive(&upload.file, &headers, body).await?;
    files.finish(&upload, &stored).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Size {
    size_bytes: Option<u64>,
}

/// `POST /v1/upload-sessions/{id}/finish`: the sender says how much it sent.
pub(crate) async fn finish(
    State(files): State<Files>,
    Path(session): Path<String>,
    body: Small,
) -> Result<Response, Error> {
    let id = files.session(&session)?;
    let Size { size_bytes } = body.json("size_bytes", "{\"size_bytes\": n}")?;
    let file = files.store.file(id).await?.ok_or(Error::NoUpload)?;
    match size_bytes {
        Some(said) if said != file.size => {
            let message = format!("found {said}: {} bytes arrived; begin a new session", file.size);
            Err(Error::field("value_error", "size_bytes", message))
        }
        _ => Ok(files.accepted(&file)),
    }
}

/// `DELETE /v1/upload-sessions/{id}`: the sender has thought better of it.
pub(crate) async fn abort(State(files): State<Files>, Path(session): Path<String>) -> Result<StatusCode, Error> {
    let id = files.session(&session)?;
    if files.store.file(id).await?.is_some() {
        files.blobs.delete(id).await?;
        files.store.delete_file(id).await?;
    }
    files.store.delete_upload(id).await?;
    Ok(StatusCode::ACCEPTED)
}

fn subject(upload: &str) -> String {
    format!("session:{upload}")
}

impl Files {
    /// On whose behalf an app stores: the caller whose request it works on, as the token says that came with the
    /// request, else the app's owner.
    async fn uploading(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        let token = headers.get(CDN_TOKEN).and_then(|token| token.to_str().ok());
        let grant = token.and_then(|token| self.access.verify(token).ok());
        match grant.map(|grant| (grant.account, grant.purpose)) {
            Some((account, Purpose::Cdn { lifecycle })) => Ok(Caller { account, lifecycle }),
            _ if headers.contains_key(AUTHORIZATION) => self.caller(headers).await,
            _ => Err(Error::NoCredentials),
        }
    }

    fn accepted(&self, file: &FileRecord) -> Response {
        let file_url = self.file_url(&file.id, &file.name);
        let body = json!({"state": "accepted_local", "upload_id": file.id, "file_url": file_url});
        (StatusCode::ACCEPTED, Json(body)).into_response()
    }

    /// The upload behind a session's id.
    fn session<'a>(&self, session: &'a str) -> Result<&'a str, Error> {
        let (id, signature) = session.split_once('~').ok_or(Error::NoUpload)?;
        let signature = Signature::from_query(signature).map_err(|_| Error::NoUpload)?;
        self.signer.verify(&subject(id), &signature, self.now()).map_err(|_| Error::NoUpload)?;
        Ok(id)
    }
}
