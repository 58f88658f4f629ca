//! The platform's side of the socket: serves what was put in, keeps what is uploaded.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tintype_media::DataUri;
use tokio::net::UnixListener;

#[derive(Clone)]
pub struct Stored {
    pub bytes: Bytes,
    pub content_type: String,
    pub bearer: String,
}

type Files = Arc<Mutex<HashMap<String, Stored>>>;

pub struct MemoryPlatform {
    pub socket: PathBuf,
    files: Files,
}

impl MemoryPlatform {
    pub fn serve(socket: PathBuf) -> Self {
        let files = Files::default();
        let router = Router::new().route("/fetch", post(fetch)).route("/files/upload", post(upload));
        let listener = UnixListener::bind(&socket).unwrap();
        let served = axum::serve(listener, router.with_state(files.clone()));
        tokio::spawn(async move { served.await.unwrap() });
        Self { socket, files }
    }

    pub fn put(&self, url: &str, data_uri: &str) {
        let DataUri { bytes, content_type } = DataUri::parse(data_uri, 1 << 24).unwrap();
        self.files.lock().insert(url.into(), Stored { bytes, content_type, bearer: String::new() });
    }

    pub fn stored(&self, url: &str) -> Stored {
        self.files.lock()[url].clone()
    }
}

async fn fetch(State(files): State<Files>, Json(body): Json<Value>) -> Response {
    if let Some(file) = files.lock().get(body["url"].as_str().unwrap()) {
        return file.bytes.clone().into_response();
    }
    let detail = json!([{ "loc": ["body", "url"], "msg": "Could not download.", "type": "file_download_error" }]);
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": detail }))).into_response()
}

async fn upload(State(files): State<Files>, headers: HeaderMap, bytes: Bytes) -> Json<Value> {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let url = format!("http://files/{}", header("x-fal-file-name"));
    let stored = Stored { bytes, content_type: header("content-type"), bearer: header("authorization") };
    files.lock().insert(url.clone(), stored);
    Json(json!({ "access_url": url }))
}
