//! The Hub's public protocol: which files a repository has at a revision, with the digests of its large ones.

use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::{WeightsError, check, fetch::unanswered};

/// Where a hub is and as whom it is asked.
#[derive(Clone)]
pub(crate) struct Hub {
    pub(crate) base: Url,
    pub(crate) token: Option<String>,
}

/// A repository at one commit.
pub(crate) struct Listing {
    pub(crate) commit: String,
    pub(crate) files: Vec<Listed>,
}

pub(crate) struct Listed {
    pub(crate) path: String,
    pub(crate) bytes: Option<u64>,
    /// Of files that the hub stores outside of Git.
    pub(crate) sha256: Option<String>,
}

pub(crate) const DEFAULT_BASE: &str = "https://huggingface.co";
const LARGEST_LISTING: u64 = 32 << 20;

#[derive(Deserialize)]
struct Answer {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Large>,
}

#[derive(Deserialize)]
struct Large {
    sha256: Option<String>,
    size: Option<u64>,
}

impl Hub {
    /// `variable` reads the environment: `HF_ENDPOINT` names a mirror, `HF_TOKEN` a reader.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WeightsError> {
        let base = variable("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_BASE.into());
        let base = Url::parse(&base).map_err(|_| WeightsError::Source { found: base })?;
        Ok(Self { base, token: variable("HF_TOKEN") })
    }

    pub(crate) async fn list(
        &self,
        client: &Client,
        repository: &str,
        revision: &str,
    ) -> Result<Listing, WeightsError> {
        let url = self.url(&format!("api/models/{repository}/revision/{revision}?blobs=true"))?;
        let failed = |reason: String| WeightsError::Fetch { url: url.to_string(), reason };
        let mut request = client.get(url.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|error| unanswered(&url, error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(WeightsError::Gated { repository: repository.into() });
            }
            status => return Err(failed(format!("its server answered with status {status}"))),
        }
        let text = text(answer).await.map_err(failed)?;
        let answer: Answer = serde_json::from_slice(&text)
            .map_err(|error| failed(format!("its list of files cannot be read: {error}")))?;
        let files = answer.siblings.into_iter().map(Listed::try_from).collect::<Result<_, _>>()?;
        Ok(Listing { commit: answer.sha, files })
    }

    /// Where a file is fetched. The commit, not the branch: a branch may move between two files.
    pub(crate) fn file(&self, repository: &str, commit: &str, path: &str) -> Result<Url, WeightsError> {
        self.url(&format!("{repository}/resolve/{commit}/{path}"))
    }

    fn url(&self, path: &str) -> Result<Url, WeightsError> {
        let base = self.base.as_str().trim_end_matches('/');
        let text = format!("{base}/{path}");
        Url::parse(&text).map_err(|_| WeightsError::Source { found: text })
    }
}

/// A list as it came, or why not.
async fn text(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.without_url().to_string())? {
        if (text.len() + chunk.len()) as u64 > LARGEST_LISTING {
            return Err(format!("its list of files is longer than {LARGEST_LISTING} bytes"));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

impl TryFrom<Sibling> for Listed {
    type Error = WeightsError;

    fn try_from(found: Sibling) -> Result<Self, WeightsError> {
        check::check_name(&found.rfilename)?;
        let large = found.lfs.as_ref();
        let bytes = large.and_then(|large| large.size).or(found.size);
        let sha256 = large.and_then(|large| large.sha256.clone());
        if let Some(wrong) = sha256.as_ref().filter(|sha256| !check::is_digest(sha256)) {
            return Err(WeightsError::Name { name: wrong.chars().take(80).collect() });
        }
        Ok(Self { sha256, bytes, path: found.rfilename })
    }
}
