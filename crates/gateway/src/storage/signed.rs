//! Signed uploads: `PUT {upload_url}`, or `PUT {upload_url}/{n}` and `POST {upload_url}/complete`. The address itself is the
//! leave to write; a key that comes along is not looked at.

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery, State},
    response::Response,
};
use http::HeaderMap;
use tintype_blob::Signature;
use tintype_store::Upload;

use super::{answer::Completed, body::Small, error::Error, files::Files, initiate::subject};

pub(crate) async fn whole(
    State(files): State<Files>,
    Path(upload): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Completed>, Error> {
    match files.signed_upload(&upload, query.as_deref()).await {
        Ok(upload) => {
            let stored = files.receive(&upload.file, &headers, body).await?;
            files.finish(&upload, &stored).await.map(Json)
        }
        // A repetition: the same bytes are stored again without effect, others are refused.
        Err(Error::NoUpload) if files.store.file(&upload).await?.is_some() => {
            files.receive(&upload, &headers, body).await?;
            files.completed_before(&upload, None, Error::NoUpload).await.map(Json)
        }
        Err(other) => Err(other),
    }
}

pub(crate) async fn part(
    State(files): State<Files>,
    Path((upload, number)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let upload = files.signed_upload(&upload, query.as_deref()).await?;
    files.receive_part(&upload, &number, &headers, body).await
}

pub(crate) async fn complete(
    State(files): State<Files>,
    Path(upload): Path<String>,
    RawQuery(query): RawQuery,
    body: Small,
) -> Result<Json<Completed>, Error> {
    match files.signed_upload(&upload, query.as_deref()).await {
        Ok(upload) => files.assemble(&upload, &body).await.map(Json),
        Err(error) => files.completed_before(&upload, None, error).await.map(Json),
    }
}

impl Files {
    async fn signed_upload(&self, id: &str, query: Option<&str>) -> Result<Upload, Error> {
        let signature = Signature::from_query(query.unwrap_or(""))?;
        self.signer.verify(&subject(id), &signature, self.now())?;
        self.upload(id).await
    }
}
