//! The files that a call names: data URIs are opened here, everything else is the platform's to fetch.

use bytes::Bytes;
use futures::future::try_join_all;
use tintype_engine::{Detail, Wanted};
use tintype_media::{DataUri, DataUriError};

use crate::{caller::Caller, platform::Platform, problem::Problem};

pub(super) async fn fetch_all(platform: &Platform, caller: &Caller, wanted: &[Wanted]) -> Result<Vec<Bytes>, Problem> {
    try_join_all(wanted.iter().map(|wanted| fetch(platform, caller, wanted))).await
}

async fn fetch(platform: &Platform, caller: &Caller, wanted: &Wanted) -> Result<Bytes, Problem> {
    let scheme = wanted.url.get(..5).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("data:") {
        return open(wanted);
    }
    platform.fetch(caller, wanted).await
}

fn open(wanted: &Wanted) -> Result<Bytes, Problem> {
    let limit = usize::try_from(wanted.max_bytes).unwrap_or(usize::MAX);
    let refused = |kind, error: &DataUriError| {
        let message = format!("The data URI cannot be used: {error}");
        Detail::new(&wanted.field, kind, message).found(&wanted.url.as_str().into())
    };
    match DataUri::parse(&wanted.url, limit) {
        Ok(file) => Ok(file.bytes),
        Err(error @ DataUriError::TooLong { limit }) => {
            Err(Problem::Invalid(refused("file_too_large", &error).with("max_size", limit).into()))
        }
        Err(error) => Err(Problem::Invalid(refused("file_download_error", &error).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(url: &str) -> Wanted {
        Wanted { field: "image_url".into(), url: url.into(), max_bytes: 4 }
    }

    #[tokio::test]
    async fn a_data_uri_needs_no_platform() {
        let (platform, caller) = (Platform::new(None), Caller::default());
        let files = fetch_all(&platform, &caller, &[wanted("data:image/png;base64,AAEC")]).await.unwrap();
        assert_eq!(files, [Bytes::from_static(&[0, 1, 2])]);
    }

    #[test]
    fn a_data_uri_that_is_broken_or_too_long_is_an_error_about_its_field() {
        for (url, kind) in [
            ("data:image/png;base64", "file_download_error"),
            ("data:;base64,####", "file_download_error"),
            ("data:;base64,AAAAAAAAAAAA", "file_too_large"),
        ] {
            let detail = open(&wanted(url)).unwrap_err().detail();
            assert_eq!((&detail[0]["type"], &detail[0]["loc"][1]), (&kind.into(), &"image_url".into()));
        }
    }
}
