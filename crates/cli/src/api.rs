//! The client API, as this program calls it.

use std::{fs, time::Duration};

use reqwest::{
    Certificate, Client, Method, RequestBuilder, Response,
    header::{AUTHORIZATION, HeaderValue},
};
use serde_json::Value;
use tintype_server::paths;

use crate::{failure::Failure, found::Found};

const CONNECT: Duration = Duration::from_secs(5);

/// A server that can be asked.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    pub(crate) found: Found,
}

impl Api {
    pub(crate) fn new(found: Found) -> Result<Self, Failure> {
        // A second call finds the first one's provider, which is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Proxy variables may point at the very server that is asked.
        let mut builder = Client::builder().no_proxy().connect_timeout(CONNECT);
        // The authority of a server on this machine is trusted beside those that everyone trusts.
        if let Ok(pem) = fs::read(paths::authority_file(&found.data)) {
            builder = builder.add_root_certificate(Certificate::from_pem(&pem)?);
        }
        Ok(Self { client: builder.build()?, found })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.to(method, &format!("{}{path}", self.found.url))
    }

    /// A request to an address that the server named.
    pub(crate) fn to(&self, method: Method, url: &str) -> RequestBuilder {
        let request = self.client.request(method, url);
        let ours =
            url.strip_prefix(&self.found.url).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        // The key goes to the server alone, wherever an answer points.
        match self.authorization().filter(|_| ours) {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        }
    }

    /// An address that the server itself named, as this program reaches it: a server behind a public name is asked
    /// directly. `below` is what stands at the beginning of its path.
    pub(crate) fn local(&self, url: &str, below: &str) -> String {
        url.find(below).map_or_else(|| url.to_owned(), |path| format!("{}{}", self.found.url, &url[path..]))
    }

    /// An address in the answer of an app, which may name any host: the server is asked directly for a file of its own.
    pub(crate) fn own_file(&self, url: &str) -> String {
        let below = self.found.public.as_deref().and_then(|base| url.strip_prefix(base));
        let path = below.filter(|path| path.starts_with("/files/b/"));
        path.map_or_else(|| url.to_owned(), |path| format!("{}{path}", self.found.url))
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Key {}", self.found.key.as_deref()?)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.json(self.request(Method::GET, path)).await
    }

    /// All endpoints that can be seen, page by page; `query` says which, and what of them.
    pub(crate) async fn models(&self, query: &str) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut answer = self.get(&format!("/v1/models?{query}{cursor}")).await?;
            if let Value::Array(models) = answer["models"].take() {
                all.extend(models);
            }
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", next.replace('=', "%3D").replace('+', "%2B")),
                None => return Ok(all),
            }
        }
    }

    pub(crate) async fn json(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request).await?;
        Ok(response.json().await?)
    }

    /// The answer of a model, which may be any text: what is not JSON is shown as it came.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let text = self.send(request).await?.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The answer, if its status says success.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        let failure = Failure::answered(status, serde_json::from_str(&text).unwrap_or(Value::String(text)));
        Err(if status == 401 { self.unauthorised(failure) } else { failure })
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        if error.is_connect() {
            let url = &self.found.url;
            return Failure::new(format!(
                "no server answers at {url}: start one with `tintype serve`, or name another in TINTYPE_URL"
            ));
        }
        error.into()
    }

    fn unauthorised(&self, failure: Failure) -> Failure {
        let advice = match self.found.key {
            None => "there is no key: set FAL_KEY, or TINTYPE_DATA to the server's data folder",
            Some(_) => "the key comes from FAL_KEY, or else from the file `key` in the server's data folder",
        };
        Failure { message: format!("{} ({advice})", failure.message), ..failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public() -> Api {
        let public = Some("https://m.example/t".into());
        Api::new(Found { url: "http://h:1".into(), public, key: None, data: "/nowhere".into() }).unwrap()
    }

    #[test]
    fn files_of_this_server_alone_are_asked_for_directly() {
        let own = |url| public().own_file(url);
        assert_eq!(own("https://m.example/t/files/b/x/a.png?y"), "http://h:1/files/b/x/a.png?y");
        for other in [
            "https://else.example/files/b/x/a.png",
            "https://else.example/https://m.example/t/files/b/x/a.png",
            "https://m.example/t.png/files/b/x",
            "https://m.example/t/v1/keys",
            "https://m.example/files/b/x/a.png",
        ] {
            assert_eq!(own(other), other);
        }
    }

    #[test]
    fn a_server_behind_a_public_name_is_asked_directly() {
        let api = public();
        let local = |url| api.local(url, "/files/signed/");
        assert_eq!(local("https://m.example/files/signed/x?y=1"), "http://h:1/files/signed/x?y=1");
        assert_eq!(local("https://m.example/other"), "https://m.example/other");
        let status = api.local("https://queue.m.example/queue/a/b/requests/1/status", "/queue/");
        assert_eq!(status, "http://h:1/queue/a/b/requests/1/status");
    }
}
