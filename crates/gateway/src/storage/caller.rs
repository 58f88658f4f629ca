//! Who uploads, and who reads.

use http::{HeaderMap, header::AUTHORIZATION};
use tintype_access::{AuthError, Purpose};
use tintype_domain::AccountId;

use super::{error::Error, files::Files};

/// The holder of a key or of a storage token.
pub(crate) struct Caller {
    pub account: AccountId,
    /// What the platform put into the token: how long the files that it uploads shall live, and who may read them.
    pub lifecycle: Option<String>,
}

impl Files {
    /// The key alone: tokens do not make tokens.
    pub(crate) async fn key_holder(&self, headers: &HeaderMap) -> Result<AccountId, Error> {
        let (scheme, credential) = credential(headers)?;
        if scheme.eq_ignore_ascii_case("bearer") && !credential.contains(':') {
            return Err(AuthError::Malformed.into());
        }
        Ok(self.access.key(credential).await?.account)
    }

    /// A key, or a token for storage.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        let (_, credential) = credential(headers)?;
        if credential.contains(':') {
            let account = self.access.key(credential).await?.account;
            return Ok(Caller { account, lifecycle: None });
        }
        let grant = self.access.verify(credential)?;
        match grant.purpose {
            Purpose::Cdn { lifecycle } => Ok(Caller { account: grant.account, lifecycle }),
            Purpose::Realtime { .. } | Purpose::Runner { .. } => Err(Error::WrongToken),
        }
    }

    /// Whoever cannot be told reads as a stranger: files are public unless their owner said otherwise.
    pub(crate) async fn reader(&self, headers: &HeaderMap) -> Option<AccountId> {
        self.caller(headers).await.ok().map(|caller| caller.account)
    }
}

fn credential(headers: &HeaderMap) -> Result<(&str, &str), Error> {
    let value = headers.get(AUTHORIZATION).ok_or(Error::NoCredentials)?;
    let (scheme, credential) =
        value.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or(AuthError::Malformed)?;
    Ok((scheme, credential.trim()))
}
