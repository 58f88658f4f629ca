//! `/files/list/...`, `/files/file/...`, `/files/rename/...`: the account's `/data`, for its owner.

use std::io::Write;

use axum::{
    Json,
    body::Body,
    extract::{Multipart, Path, Query, State},
    response::{IntoResponse, Response},
};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_domain::AccountId;
use tintype_outbound::Limits;
use tokio_util::io::ReaderStream;

use super::{Caller, Problem, blocking, form};
use crate::{
    Serverless,
    volume::{self, Entry, Place, Tree, TreeError},
};

/// Larger files come in parts.
const MAX_WHOLE: u64 = 1 << 30;
/// The file that says which content a folder was last synchronised to.
const MARKER: &str = ".fal_hash";
const FETCH: std::time::Duration = std::time::Duration::from_secs(600);

pub(super) fn tree(serverless: &Serverless, account: &AccountId) -> Result<Tree, Problem> {
    Ok(Tree::open(&volume::folder(&serverless.options.data, account))?)
}

/// Works on the account's files, on a thread that may wait for the disk.
async fn in_volume<T: Send + 'static>(
    serverless: Serverless,
    account: AccountId,
    work: impl FnOnce(Tree) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    blocking(move || work(tree(&serverless, &account)?)).await
}

pub(super) async fn list(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
) -> Result<Json<Value>, Problem> {
    let place = Place::absolute(&path)?;
    in_volume(serverless, account, move |tree| {
        let entries: Vec<_> = match (tree.list(&place), tree.find(&place)) {
            // The tools list whatever they download; a file is all that it holds.
            (Err(TreeError::NotFolder { .. }), Some(file)) => vec![describe(&place, &file)],
            (listed, _) => listed?.iter().map(|entry| describe(&place.join(&entry.name), entry)).collect(),
        };
        Ok(Json(Value::from(entries)))
    })
    .await
}

fn describe(place: &Place, entry: &Entry) -> Value {
    json!({
        "path": place.to_string(),
        "size": entry.size,
        "is_file": entry.is_file,
        "updated_time": entry.updated.to_string(),
    })
}

pub(super) async fn read(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let place = Place::absolute(&path)?;
    let (file, size) = in_volume(serverless, account, move |tree| Ok(tree.read(&place)?)).await?;
    // A file that grows meanwhile must not overrun the length that was announced.
    let bytes = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(file), size);
    let body = Body::from_stream(ReaderStream::with_capacity(bytes, 256 << 10));
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_LENGTH, size.to_string())];
    Ok((headers, body).into_response())
}

#[derive(Deserialize)]
pub(super) struct Local {
    /// The file is an archive, and the path the folder to unpack it into.
    #[serde(default)]
    unzip: bool,
}

pub(super) async fn write(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
    Query(Local { unzip }): Query<Local>,
    form: Multipart,
) -> Result<Json<Value>, Problem> {
    // Who sends a whole folder leaves `/data` out.
    let place = if unzip { Place::parse(&path)? } else { Place::absolute(&path)? };
    let kept = if unzip { place.join(&format!(".archive-{}", tintype_blob::new_id())) } else { place.clone() };
    let (tree, draft) = in_volume(serverless, account, move |tree| {
        let draft = tree.draft(&kept)?;
        Ok((tree, draft))
    })
    .await?;
    form::receive(form, draft.file.try_clone()?, MAX_WHOLE).await?;
    blocking(move || {
        if unzip {
            // The draft itself is never kept.
            volume::unpack(&tree, draft.reopen()?, &place)?;
        } else {
            draft.keep()?;
        }
        Ok(Json(json!({"path": place.to_string()})))
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Remote {
    url: String,
}

pub(super) async fn fetch(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
    Json(Remote { url }): Json<Remote>,
) -> Result<Json<Value>, Problem> {
    let place = Place::absolute(&path)?;
    let limits = Limits { max_bytes: MAX_WHOLE, total_timeout: FETCH, ..Limits::default() };
    let got = serverless.outbound.download(&url, limits).await;
    let got = got.map_err(|error| Problem::Bad(format!("`{url:.200}` could not be fetched: {error}")))?;
    in_volume(serverless, account, move |tree| {
        let mut draft = tree.draft(&place)?;
        draft.file.write_all(&got.bytes)?;
        draft.keep()?;
        Ok(Json(json!({"path": place.to_string()})))
    })
    .await
}

pub(super) async fn remove(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
) -> Result<Json<Value>, Problem> {
    let place = Place::absolute(&path)?;
    in_volume(serverless, account, move |tree| {
        tree.remove(&place)?;
        Ok(Json(json!({})))
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Move {
    destination: String,
}

pub(super) async fn rename(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
    Json(Move { destination }): Json<Move>,
) -> Result<Json<Value>, Problem> {
    let (from, to) = (Place::absolute(&path)?, Place::absolute(&destination)?);
    in_volume(serverless, account, move |tree| {
        tree.rename(&from, &to)?;
        Ok(Json(json!({"path": to.to_string()})))
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Hash {
    hash: String,
}

/// Whether a folder was last filled from the same content. What apps changed in it since is theirs.
pub(super) async fn check_hash(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
    Json(Hash { hash }): Json<Hash>,
) -> Result<Json<bool>, Problem> {
    let marker = Place::parse(&path)?.join(MARKER);
    in_volume(serverless, account, move |tree| {
        let Ok((file, _)) = tree.read(&marker) else { return Ok(Json(false)) };
        let mut found = String::new();
        // A marker that is no text is no marker.
        let read = std::io::Read::read_to_string(&mut std::io::Read::take(file, 1024), &mut found);
        Ok(Json(read.is_ok() && found.trim() == hash))
    })
    .await
}
