//! `/files/file/multipart/{path}/...`: large files of `/data`, part by part.
//!
//! The path has as many segments as it likes, so what stands behind it is told apart here and not by the router.

use std::io;

use axum::{
    Json,
    extract::{FromRequest, Multipart, Path, Request, State},
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_domain::AccountId;

use super::{
    Caller, Problem,
    app_upload::{Part, no_upload, numbered, receive_part},
    blocking,
    data_files::tree,
    parcels::{Parcel, Parcels},
};
use crate::{Serverless, volume::Place};

const MAX_FILE: u64 = 1 << 40;

#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Initiate,
    Part { upload: &'a str, number: &'a str },
    Complete { upload: &'a str },
    Cancel { upload: &'a str },
}

#[derive(Deserialize)]
struct Whole {
    parts: Vec<Part>,
}

pub(super) async fn serve(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(path): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let (place, step) = parse(request.method(), &path).ok_or_else(|| not_a_step(&path))?;
    let place = Place::absolute(place)?;
    let uploads = Parcels::new(serverless.options.data.join("volumes/.uploads"));
    let find = |upload: &str| uploads.find(upload, &account, &place.to_string()).ok_or_else(|| no_upload(upload));
    match step {
        Step::Initiate => {
            let now = serverless.clock.now();
            blocking(move || Ok(Json(json!({"upload_id": uploads.begin(&account, &place.to_string(), now)?.id})))).await
        }
        Step::Part { upload, number } => {
            let parcel = find(upload)?;
            receive_part(&parcel, number, Multipart::from_request(request, &()).await.map_err(unreadable)?).await
        }
        Step::Complete { upload } => {
            let parcel = find(upload)?;
            let Json(Whole { parts }) = Json::from_request(request, &()).await.map_err(unreadable)?;
            blocking(move || complete(&serverless, &account, &place, &parcel, parts)).await
        }
        Step::Cancel { upload } => {
            let parcel = find(upload)?;
            blocking(move || {
                parcel.end()?;
                Ok(Json(json!({})))
            })
            .await
        }
    }
}

fn complete(
    serverless: &Serverless,
    account: &AccountId,
    place: &Place,
    parcel: &Parcel,
    parts: Vec<Part>,
) -> Result<Json<Value>, Problem> {
    let whole = parcel.join(&numbered(parts), MAX_FILE, |_| {})?;
    let mut draft = tree(serverless, account)?.draft(place)?;
    // Within one file system and where it can, the kernel moves blocks instead of bytes.
    io::copy(&mut std::fs::File::open(whole)?, &mut draft.file)?;
    draft.keep()?;
    parcel.end()?;
    // The tools compare an etag with an MD5 of the whole file; the parts have been checked one by one instead.
    Ok(Json(json!({"etag": ""})))
}

/// The path of the file, and what stands behind it.
fn parse<'a>(method: &Method, path: &'a str) -> Option<(&'a str, Step<'a>)> {
    let (rest, last) = path.rsplit_once('/')?;
    let posted = *method == Method::POST;
    if posted && last == "initiate" {
        return Some((rest, Step::Initiate));
    }
    let (place, upload) = rest.rsplit_once('/')?;
    match last {
        "complete" if posted => Some((place, Step::Complete { upload })),
        "cancel" if posted => Some((place, Step::Cancel { upload })),
        number if *method == Method::PUT => Some((place, Step::Part { upload, number })),
        _ => None,
    }
}

fn not_a_step(path: &str) -> Problem {
    Problem::NotFound { what: "step of an upload", found: path.chars().take(120).collect() }
}

fn unreadable(rejection: impl std::fmt::Display) -> Problem {
    Problem::Bad(rejection.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_any_depth_is_told_from_the_step_behind_it() {
        let parse = |method: Method, path: &'static str| parse(&method, path);
        assert_eq!(parse(Method::POST, "/data/a/initiate"), Some(("/data/a", Step::Initiate)));
        assert_eq!(
            parse(Method::PUT, "/data/complete/x/7f/3"),
            Some(("/data/complete/x", Step::Part { upload: "7f", number: "3" }))
        );
        assert_eq!(parse(Method::POST, "/data/x/7f/complete"), Some(("/data/x", Step::Complete { upload: "7f" })));
        assert_eq!(parse(Method::POST, "/data/x/7f/cancel"), Some(("/data/x", Step::Cancel { upload: "7f" })));
        assert_eq!(parse(Method::GET, "/data/x/7f/complete"), None);
        assert_eq!(parse(Method::PUT, "x"), None);
    }
}
