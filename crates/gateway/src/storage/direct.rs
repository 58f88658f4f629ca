//! `POST /files/upload`: one request, one file.

use axum::{Json, body::Body, extract::State};
use http::HeaderMap;
use tintype_blob::new_id;

use super::{answer::Uploaded, error::Error, files::Files, receive::Announced};

pub(crate) async fn upload(
    State(files): State<Files>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Uploaded>, Error> {
    let caller = files.caller(&headers).await?;
    let kept = files.lifecycle(&headers, &caller).await?;
    let stored = files.receive(&new_id(), &headers, body).await?;
    let file = files.record(&stored, Announced::of(&headers), &caller, kept);
    let url = files.file_url(&file.id, &file.name);
    let answer = Uploaded {
        access_url: url.clone(),
        file_url: url,
        content_type: file.content_type.clone(),
        file_name: file.name.clone(),
        file_size: file.size,
    };
    files.keep(file).await?;
    Ok(Json(answer))
}
