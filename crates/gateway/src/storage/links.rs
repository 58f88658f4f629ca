//! Addresses of files and uploads: made here, and known again here.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{files::Files, name::encoded};

/// Length of the ids that [`tintype_blob::new_id`] makes.
const ID_LENGTH: usize = 32;

impl Files {
    /// What the addresses of files begin with, without a trailing slash.
    pub(crate) fn base(&self) -> &str {
        self.storage_url.as_str().trim_end_matches('/')
    }

    pub(crate) fn file_url(&self, id: &str, name: &str) -> String {
        format!("{}/files/b/{id}/{}", self.base(), encoded(name))
    }

    pub(crate) fn upload_url(&self, upload: &str, signature: &str) -> String {
        format!("{}/files/signed/{upload}?{signature}", self.base())
    }

    /// Reads the id of a file out of an address that this server could have made, under any of its names. Ids cannot
    /// be guessed, so that an address which happens to look alike finds nothing.
    pub(crate) fn own_file(&self, address: &str) -> Option<OwnFile> {
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let path = url.path();
        let path = path.strip_prefix(self.storage_url.path().trim_end_matches('/')).unwrap_or(path);
        let path = path.strip_prefix("/cdn").unwrap_or(path);
        let (id, name) = path.strip_prefix("/files/b/")?.split_once('/')?;
        let plausible = id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && !name.contains('/');
        let name = percent_decode_str(name).decode_utf8().ok()?.into_owned();
        plausible.then(|| OwnFile { id: id.to_owned(), name, certain: self.is_own_host(&url) })
    }

    fn is_own_host(&self, url: &Url) -> bool {
        let inner = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name == "fal.media" || name.ends_with(".fal.media"),
            None => false,
        };
        inner || (url.host() == self.storage_url.host() && url.port() == self.storage_url.port())
    }
}

/// What an address says of a file here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OwnFile {
    pub id: String,
    pub name: String,
    /// The host is this server's, so that the file is here or nowhere.
    pub certain: bool,
}
