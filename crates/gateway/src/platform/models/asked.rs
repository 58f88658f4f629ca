//! What a caller of `GET /v1/models` asks for.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use url::form_urlencoded;

use crate::{Error, platform::search::Search};

/// Entries of a page, and those of a page that holds a schema for each.
const MOST: usize = 100;
/// Endpoints that can be named at once.
const NAMED: usize = 50;

/// Cursors are written with padding and read without it too.
const CURSOR: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug)]
pub(super) struct Asked {
    /// Empty: all.
    pub endpoints: Vec<String>,
    pub search: Search,
    pub deprecated: Option<bool>,
    pub with_openapi: bool,
    pub limit: usize,
    /// Counted from one.
    pub page: usize,
}

/// A query string as pairs; the same name may stand there several times, or hold several values between commas.
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(super) fn of(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    pub(super) fn all(&self, name: &str) -> Vec<String> {
        // Clients of one language write `name[]` for lists.
        let named = self.0.iter().filter(|(key, _)| key.strip_suffix("[]").unwrap_or(key) == name);
        let values = named.flat_map(|(_, value)| value.split(','));
        values.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    fn one(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone())
    }

    pub(super) fn endpoints(&self) -> Result<Vec<String>, Error> {
        let endpoints = self.all("endpoint_id");
        if endpoints.len() > NAMED {
            let found = format!("a list of {}", endpoints.len());
            return Err(Error::Query { name: "endpoint_id", found, expected: "expected at most 50 endpoint ids" });
        }
        Ok(endpoints)
    }
}

impl Asked {
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        let pairs = Pairs::of(query);
        let one = |name: &str| pairs.one(name).unwrap_or_default();
        Ok(Self {
            endpoints: pairs.endpoints()?,
            search: Search::of(&one("q"), &one("category")),
            deprecated: pairs.one("status").map(status).transpose()?,
            with_openapi: expand(&pairs.all("expand"))?,
            limit: pairs.one("limit").map_or(Ok(MOST), limit)?,
            page: pairs.one("cursor").map_or(Ok(1), page)?,
        })
    }
}

/// The cursor of a page.
pub(super) fn cursor(page: usize) -> String {
    CURSOR.encode(page.to_string())
}

fn page(found: String) -> Result<usize, Error> {
    let bytes = CURSOR.decode(&found).ok();
    let number = bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
    let expected = "expected a `next_cursor` of an earlier answer";
    number.filter(|page| (1..=1_000_000).contains(page)).ok_or(Error::Query { name: "cursor", found, expected })
}

fn limit(found: String) -> Result<usize, Error> {
    let limit = found.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or(Error::Query { name: "limit", found, expected: "expected a whole number from 1 to 100" })
}

fn status(found: String) -> Result<bool, Error> {
    match found.as_str() {
        "active" => Ok(false),
        "deprecated" => Ok(true),
        _ => Err(Error::Query { name: "status", found, expected: "expected `active` or `deprecated`" }),
    }
}

/// Nobody approves models here, so that `enterprise_status` may be asked for and has no answer.
fn expand(parts: &[String]) -> Result<bool, Error> {
    let known = ["openapi-3.0", "enterprise_status"];
    if let Some(found) = parts.iter().find(|part| !known.contains(&part.as_str())) {
        let found = found.clone();
        return Err(Error::Query { name: "expand", found, expected: "expected `openapi-3.0` or `enterprise_status`" });
    }
    Ok(parts.iter().any(|part| part == known[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_with_padding_and_without() {
        assert_eq!(cursor(2), "Mg==");
        for query in ["cursor=Mg%3D%3D", "cursor=Mg"] {
            assert_eq!(Asked::parse(query).unwrap().page, 2, "{query}");
        }
        for wrong in ["cursor=2", "cursor=MA", "cursor=LTE", "cursor=%00"] {
            assert!(Asked::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_may_be_repeated_or_stand_between_commas() {
        let asked = Asked::parse("endpoint_id=a/b,c/d&endpoint_id=e/f&expand[]=openapi-3.0").unwrap();
        assert_eq!((asked.endpoints.len(), asked.with_openapi), (3, true));
        let many = format!("endpoint_id={}", vec!["a/b"; 51].join(","));
        assert!(Asked::parse(&many).unwrap_err().to_string().contains("at most 50"));
    }

    #[test]
    fn what_is_not_known_is_named_with_what_is() {
        for (query, words) in [
            ("status=new", "`active` or `deprecated`"),
            ("expand=price", "`openapi-3.0`"),
            ("limit=0", "from 1 to 100"),
            ("limit=x", "from 1 to 100"),
        ] {
            let error = Asked::parse(query).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
