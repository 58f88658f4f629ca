//! Multipart uploads on the CDN host: `POST /files/upload/multipart`, then `PUT {access_url}/multipart/{upload}/{n}`, then
//! `POST {access_url}/multipart/{upload}/complete`.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header::ETAG};
use serde::Deserialize;
use tintype_blob::Stored;
use tintype_domain::AccountId;
use tintype_store::{FileRecord, Upload};

use super::{
    answer::{Begun, Completed, PartStored},
    body::Small,
    error::{Error, MAX_PARTS},
    files::Files,
    receive::{Announced, expiry, refuse_early, timed},
};

pub(crate) async fn create(State(files): State<Files>, headers: HeaderMap) -> Result<Json<Begun>, Error> {
    let caller = files.caller(&headers).await?;
    let upload = files.open_upload(&headers, &caller, Announced::of(&headers)).await?;
    Ok(Json(Begun { access_url: files.file_url(&upload.file, &upload.name), upload_id: upload.id }))
}

pub(crate) async fn part(
    State(files): State<Files>,
    Path((file, _, upload, number)): Path<(String, String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let upload = files.own_upload(&headers, &upload, &file).await?;
    files.receive_part(&upload, &number, &headers, body).await
}

pub(crate) async fn complete(
    State(files): State<Files>,
    Path((file, _, upload)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Small,
) -> Result<Json<Completed>, Error> {
    let account = files.caller(&headers).await?.account;
    match files.upload(&upload).await {
        Ok(upload) if upload.account == account && upload.file == file => {
            files.assemble(&upload, &body).await.map(Json)
        }
        Ok(_) => Err(Error::NoUpload),
        Err(error) => files.completed_before(&file, Some(&account), error).await.map(Json),
    }
}

#[derive(Deserialize)]
struct PartList {
    parts: Vec<PartNamed>,
}

#[derive(Deserialize)]
struct PartNamed {
    #[serde(alias = "part_number", rename = "partNumber")]
    part_number: u32,
    etag: String,
}

impl Files {
    async fn own_upload(&self, headers: &HeaderMap, upload: &str, file: &str) -> Result<Upload, Error> {
        let account = self.caller(headers).await?.account;
        let upload = self.upload(upload).await?;
        if upload.account == account && upload.file == file { Ok(upload) } else { Err(Error::NoUpload) }
    }

    /// An upload that is open and has time left.
    pub(crate) async fn upload(&self, id: &str) -> Result<Upload, Error> {
        let upload = self.store.upload(id).await?;
        upload.filter(|upload| upload.expires_at > self.now()).ok_or(Error::NoUpload)
    }

    pub(crate) async fn receive_part(
        &self,
        upload: &Upload,
        number: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Error> {
        let number = part_number(number)?;
        refuse_early(headers, self.max_upload_bytes)?;
        let body = timed(body, self.body_idle);
        let part = self.blobs.put_part(&upload.id, number, body, self.max_upload_bytes).await?;
        let etag = HeaderValue::from_str(&format!("\"{}\"", part.etag)).map_err(Error::internal)?;
        let body = PartStored { part_number: number, etag: format!("\"{}\"", part.etag) };
        Ok(([(ETAG, etag)], Json(body)).into_response())
    }

    pub(crate) async fn assemble(&self, upload: &Upload, list: &Small) -> Result<Completed, Error> {
        let parts = part_list(list)?;
        let stored = self.blobs.assemble(&upload.id, &upload.file, parts, self.max_upload_bytes).await?;
        self.finish(upload, &stored).await
    }

    /// The upload becomes a file. Its parts go; should that fail, the sweeper finds them.
    pub(crate) async fn finish(&self, upload: &Upload, stored: &Stored) -> Result<Completed, Error> {
        let now = self.now();
        let file = FileRecord {
            id: stored.id.clone(),
            name: upload.name.clone(),
            account: upload.account.clone(),
            content_type: upload.content_type.clone(),
            size: stored.size,
            digest: stored.digest.clone(),
            acl: upload.acl.clone(),
            created_at: now,
            expires_at: expiry(now, upload.lifetime),
        };
        self.store.finish_upload(&upload.id, file).await?;
        if let Err(error) = self.blobs.drop_upload(&upload.id).await {
            tracing::warn!(upload.id = upload.id, %error, "could not remove the parts of a finished upload");
        }
        self.completed(&upload.file).await?.ok_or(Error::NoUpload)
    }

    async fn completed(&self, file: &str) -> Result<Option<Completed>, Error> {
        let done = |file: FileRecord| {
            let url = self.file_url(&file.id, &file.name);
            Completed { access_url: url.clone(), file_url: url, file_size: file.size }
        };
        Ok(self.store.file(file).await?.map(done))
    }

    /// The answer to an earlier, equal call may have been lost: where there is no such upload any more but its file,
    /// that is the answer again.
    pub(crate) async fn completed_before(
        &self,
        file: &str,
        by: Option<&AccountId>,
        error: Error,
    ) -> Result<Completed, Error> {
        if !matches!(error, Error::NoUpload) {
            return Err(error);
        }
        let found = self.store.file(file).await?;
        let theirs = found.is_some_and(|file| by.is_none_or(|account| file.account == *account));
        let done = if theirs { self.completed(file).await? } else { None };
        done.ok_or(error)
    }
}

pub(crate) fn part_number(text: &str) -> Result<u32, Error> {
    let number = text.parse().ok().filter(|number| (1..=MAX_PARTS).contains(number));
    number.ok_or_else(|| Error::PartNumber { found: text.chars().take(20).collect() })
}

pub(super) fn part_list(body: &Small) -> Result<Vec<(u32, String)>, Error> {
    let list: PartList = body.json("parts", "{\"parts\": [{\"partNumber\": 1, \"etag\": \"...\"}]}")?;
    Ok(list.parts.into_iter().map(|part| (part.part_number, part.etag)).collect())
}
