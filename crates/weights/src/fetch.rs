//! Downloads that go on where they broke off.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_RANGE, ETAG, IF_RANGE, RANGE},
};
use ring::digest::{SHA256, digest};
use tintype_domain::Timestamp;
use url::Url;

use crate::{WeightsError, blobs::Hashing, disk};

/// How long a download that broke off may wait to be gone on with.
const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

/// Who is told how far things are.
pub trait Progress: Send {
    /// A file begins; `bytes` is its length where it is known.
    fn begin(&mut self, file: &str, bytes: Option<u64>);
    /// So many bytes more of it are here.
    fn advance(&mut self, bytes: u64);
    fn end(&mut self);
}

/// What to fetch.
pub(crate) struct Wanted<'a> {
    pub(crate) url: &'a Url,
    /// As people know the file.
    pub(crate) name: &'a str,
    pub(crate) bytes: Option<u64>,
    pub(crate) token: Option<&'a str>,
}

pub(crate) struct Fetched {
    pub(crate) path: PathBuf,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

/// Fetches into `folder`; what is there of an earlier try is kept if its server says that it is of the same file.
pub(crate) async fn fetch(
    client: &Client,
    wanted: &Wanted<'_>,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Fetched, WeightsError> {
    let key = hex::encode(&digest(&SHA256, wanted.url.as_str().as_bytes()).as_ref()[..16]);
    let partial = Partial { data: folder.join(&key), tag: folder.join(format!("{key}.etag")) };
    let mut plain = wanted.url.clone();
    plain.set_query(None);
    let failed = |reason: String| WeightsError::Fetch { url: plain.to_string(), reason };
    let begun = partial.begun();
    let answer = ask(client, wanted, begun.as_ref()).await.map_err(|error| unanswered(&plain, error))?;
    let goes_on = match answer.status() {
        StatusCode::OK => false,
        StatusCode::PARTIAL_CONTENT if begun.as_ref().is_some_and(|(bytes, _)| goes_on_at(&answer, *bytes)) => true,
        StatusCode::PARTIAL_CONTENT => {
            partial.forget();
            let reason = "its server sent another part than was asked for; what was here was thrown away: try again";
            return Err(failed(reason.into()));
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            partial.forget();
            return Err(failed("what was here of it did not fit; it was thrown away: try again".into()));
        }
        status => return Err(failed(format!("its server answered with status {status}"))),
    };
    let length = answer.content_length().or(wanted.bytes);
    disk::check_room(folder, length.unwrap_or(0))?;
    let io = WeightsError::io(&partial.data);
    let kept = |goes_on| partial.open(goes_on, &answer);
    let mut file = kept(goes_on).map_err(io)?;
    progress.begin(wanted.name, wanted.bytes.or_else(|| Some(length? + file.bytes)));
    progress.advance(file.bytes);
    receive(answer, &mut file, progress, &partial.data, &failed).await?;
    progress.end();
    let bytes = file.bytes;
    if let Some(expected) = wanted.bytes.filter(|expected| *expected != bytes) {
        partial.forget();
        return Err(failed(format!("it should have {expected} bytes and has {bytes}")));
    }
    let (_, sha256) = file.finish();
    let _ = fs::remove_file(&partial.tag);
    Ok(Fetched { path: partial.data, sha256, bytes })
}

/// Why a server gave no answer: what is told of it first says little, its last cause most.
pub(crate) fn unanswered(url: &Url, error: reqwest::Error) -> WeightsError {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let (url, reason) = (url.to_string(), cause.to_string());
    if error.is_connect() || error.is_timeout() {
        return WeightsError::Unreachable { url, reason };
    }
    WeightsError::Fetch { url, reason }
}

async fn ask(client: &Client, wanted: &Wanted<'_>, begun: Option<&(u64, String)>) -> reqwest::Result<Response> {
    let mut request = client.get(wanted.url.clone()).header(ACCEPT_ENCODING, "identity");
    if let Some(token) = wanted.token {
        // The client drops it when a redirect leads to another host.
        request = request.bearer_auth(token);
    }
    if let Some((bytes, tag)) = begun {
        request = request.header(RANGE, format!("bytes={bytes}-")).header(IF_RANGE, tag);
    }
    request.send().await
}

/// Whether a part begins where what is here ends.
fn goes_on_at(answer: &Response, bytes: u64) -> bool {
    let range = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok());
    first == Some(bytes)
}

async fn receive(
    mut answer: Response,
    file: &mut Hashing<File>,
    progress: &mut dyn Progress,
    path: &Path,
    failed: &impl Fn(String) -> WeightsError,
) -> Result<(), WeightsError> {
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                file.write_all(&chunk).map_err(WeightsError::io(path))?;
                progress.advance(chunk.len() as u64);
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                return Err(failed(format!("the transfer broke off ({}); try again: it goes on", error.without_url())));
            }
        }
    }
}

/// A file on its way, and the tag by which its server knows which version it is of.
pub(crate) struct Partial {
    data: PathBuf,
    tag: PathBuf,
}

impl Partial {
    fn begun(&self) -> Option<(u64, String)> {
        let bytes = self.data.metadata().ok()?.len();
        let tag = fs::read_to_string(&self.tag).ok()?;
        (bytes > 0).then_some((bytes, tag))
    }

    fn forget(&self) {
        let _ = fs::remove_file(&self.data);
        let _ = fs::remove_file(&self.tag);
    }

    /// Takes away what nobody went on with for long, and what nobody can go on with.
    pub(crate) fn sweep(folder: &Path, now: Timestamp) {
        let is_old = |path: &Path| {
            let written = |found: fs::Metadata| Timestamp::from_micros(found.mtime().saturating_mul(1_000_000));
            path.metadata().is_ok_and(|found| now.since(written(found)) > KEPT)
        };
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let tag = path.with_extension("etag");
            let data = path.with_extension("");
            if !tag.exists() || !data.exists() || is_old(&data) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn open(&self, goes_on: bool, answer: &Response) -> io::Result<Hashing<File>> {
        if goes_on {
            let mut before = OpenOptions::new().read(true).append(true).open(&self.data)?;
            let mut hashing = Hashing::new(());
            let mut buffer = vec![0; 1 << 20];
            loop {
                match before.read(&mut buffer)? {
                    0 => break,
                    read => hashing.pass(&buffer[..read]),
                }
            }
            return Ok(hashing.with(before));
        }
        self.forget();
        // A weak tag says nothing of single bytes.
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| !tag.starts_with("W/"));
        if let Some(tag) = tag {
            fs::write(&self.tag, tag)?;
        }
        Ok(Hashing::new(File::create(&self.data)?))
    }
}
