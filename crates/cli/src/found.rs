//! Which server to talk to, and with which key.

use std::{env, fs, path::PathBuf};

use reqwest::Url;
use tintype_server::{
    notice::{self, Announcement},
    paths,
};

const DEFAULT_URL: &str = "http://127.0.0.1:8700";

/// A server and a way in.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Without a trailing slash.
    pub(crate) url: String,
    /// What the addresses of its files begin with, without a trailing slash, where that is known.
    pub(crate) public: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) data: PathBuf,
}

/// By `TINTYPE_URL`, else what a server on the local data folder says of itself, else the default address. The key by
/// `FAL_KEY` (or its two halves), else the local one.
pub(crate) fn find() -> Found {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let data = data_folder(&variable);
    let notice = notice::read(&data);
    let url = variable("TINTYPE_URL").or_else(|| Some(notice.as_ref()?.local_url.clone()));
    let url = url.as_deref().unwrap_or(DEFAULT_URL).trim_end_matches('/').to_owned();
    let public = notice.and_then(|notice| public(&notice, &url));
    let key = given_key(&variable).or_else(|| {
        let text = fs::read_to_string(paths::key_file(&data)).ok()?;
        Some(text.trim().to_owned())
    });
    Found { url, public, key, data }
}

/// The name of the server at `url`, if that is the one on the local data folder; as its answers write it.
fn public(notice: &Announcement, url: &str) -> Option<String> {
    let same = [&notice.local_url, &notice.url].iter().any(|its| its.trim_end_matches('/') == url);
    let public = Url::parse(&notice.url).ok().filter(|_| same)?;
    Some(public.as_str().trim_end_matches('/').to_owned())
}

pub(crate) fn data_folder(variable: &impl Fn(&str) -> Option<String>) -> PathBuf {
    variable("TINTYPE_DATA").map_or_else(|| paths::default_data(variable), PathBuf::from)
}

fn given_key(variable: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let halves = || Some(format!("{}:{}", variable("FAL_KEY_ID")?, variable("FAL_KEY_SECRET")?));
    variable("FAL_KEY").or_else(halves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_local_server_is_not_that_of_another() {
        let (local_url, url) = ("http://127.0.0.1:8700".to_owned(), "https://M.example:443/".to_owned());
        let notice = Announcement { local_url, url, pid: 1, version: String::new() };
        assert_eq!(public(&notice, "http://127.0.0.1:8700").as_deref(), Some("https://m.example"));
        assert_eq!(public(&notice, "https://else.example"), None);
    }

    #[test]
    fn a_key_may_come_in_two_halves_and_the_whole_one_wins() {
        let variables = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let halves = variables(&[("FAL_KEY_ID", "a"), ("FAL_KEY_SECRET", "b")]);
        assert_eq!(given_key(&halves).as_deref(), Some("a:b"));
        let both = variables(&[("FAL_KEY", "c:d"), ("FAL_KEY_ID", "a"), ("FAL_KEY_SECRET", "b")]);
        assert_eq!(given_key(&both).as_deref(), Some("c:d"));
        assert_eq!(given_key(&variables(&[("FAL_KEY_ID", "a")])), None);
    }
}
