//! What a short-lived token permits, and the token: the grant as JSON and its HMAC-SHA256, both in
//! base64url, joined by a dot.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde::{Deserialize, Serialize};
use tintype_domain::{AccountId, Timestamp};

use crate::AuthError;

/// Longer than any token made here; what is longer is not worth decoding.
const MAX_LENGTH: usize = 16 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub account: AccountId,
    pub purpose: Purpose,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Purpose {
    /// Handshakes and client-mode streams of these apps: an alias, `owner/alias`, or that with a path.
    Realtime { apps: Vec<String> },
    /// Uploads and downloads; `lifecycle` is the object lifecycle preference of what it uploads.
    Cdn { lifecycle: Option<String> },
    /// What a runner of this app may do for the account that deployed it: call apps and keep files.
    Runner { app: String },
}

pub(crate) struct Tokens(hmac::Key);

impl Tokens {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(crate) fn mint(&self, grant: &Grant) -> String {
        // The names of the domain are plain text, so a grant always has a JSON form.
        let claims = serde_json::to_vec(grant).expect("a grant has a JSON form");
        let body = URL_SAFE_NO_PAD.encode(claims);
        let signature = hmac::sign(&self.0, body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Grant, AuthError> {
        let (body, signature) =
            token.split_once('.').filter(|_| token.len() <= MAX_LENGTH).ok_or(AuthError::BadToken)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| AuthError::BadToken)?;
        // Compares in constant time.
        hmac::verify(&self.0, body.as_bytes(), &signature).map_err(|_| AuthError::BadToken)?;
        let claims = URL_SAFE_NO_PAD.decode(body).map_err(|_| AuthError::BadToken)?;
        let grant: Grant = serde_json::from_slice(&claims).map_err(|_| AuthError::BadToken)?;
        if grant.expires_at <= now { Err(AuthError::Expired) } else { Ok(grant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn grant(apps: &[&str]) -> Grant {
        let purpose = Purpose::Realtime { apps: apps.iter().map(|app| (*app).to_owned()).collect() };
        Grant { account: AccountId::new("ann"), purpose, expires_at: Timestamp::from_micros(NOW.as_micros() + 1) }
    }

    #[test]
    fn a_token_gives_back_its_grant_until_it_expires() {
        let tokens = Tokens::new(&[1; 32]);
        let token = tokens.mint(&grant(&["draw"]));
        assert_eq!(tokens.verify(&token, NOW).unwrap(), grant(&["draw"]));
        let later = grant(&[]).expires_at;
        assert!(matches!(tokens.verify(&token, later), Err(AuthError::Expired)));
    }

    #[test]
    fn a_token_with_any_byte_changed_is_refused() {
        let tokens = Tokens::new(&[1; 32]);
        let token = tokens.mint(&grant(&["draw"]));
        for place in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(matches!(tokens.verify(&altered, NOW), Err(AuthError::BadToken)), "{place}");
        }
    }

    #[test]
    fn a_token_of_another_server_is_refused() {
        let token = Tokens::new(&[2; 32]).mint(&grant(&["draw"]));
        assert!(matches!(Tokens::new(&[1; 32]).verify(&token, NOW), Err(AuthError::BadToken)));
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let tokens = Tokens::new(&[1; 32]);
        let long = format!("{}.AAAA", "A".repeat(1_000_000));
        for text in ["", ".", "a.b", "a.b.c", "\u{1f5bc}.\u{1f5bc}", "id:secret", &long] {
            assert!(matches!(tokens.verify(text, NOW), Err(AuthError::BadToken)), "{text:.20}");
        }
    }
}
