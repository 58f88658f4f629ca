//! Downloads that go on where they broke off.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT_ENCODING, ETAG, IF_RANGE, RANGE},
};
use ring::digest::{SHA256, digest};
use url::Url;

use crate::{WeightsError, blobs::Hashing, disk};

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
    let failed = |reason: String| {
        let mut url = wanted.url.clone();
        url.set_query(None);
        WeightsError::Fetch { url: url.to_string(), reason }
    };
    let begun = partial.begun();
    let answer = ask(client, wanted, begun.as_ref()).await.map_err(|error| failed(error.without_url().to_string()))?;
    let goes_on = match answer.status() {
        StatusCode::OK => false,
        StatusCode::PARTIAL_CONTENT if begun.is_some() => true,
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
struct Partial {
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
