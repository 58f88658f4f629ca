//! Secrets at rest: AES-256-GCM under a key of this server, bound to the place where they belong.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use tintype_domain::AccountId;

use super::error::DeployError;

/// Where a secret belongs: a sealed value that is moved elsewhere does not open.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub account: &'a AccountId,
    pub environment: &'a str,
    pub name: &'a str,
}

impl Place<'_> {
    fn aad(&self) -> Aad<Vec<u8>> {
        let parts = [self.account.as_str(), self.environment, self.name];
        // Lengths stand before the texts, so that no two places read the same.
        Aad::from(parts.iter().flat_map(|part| [&part.len().to_le_bytes(), part.as_bytes()].concat()).collect())
    }
}

fn key(secret: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).expect("32 bytes are a key"))
}

pub(crate) fn seal(secret: &[u8; 32], place: Place<'_>, value: &str) -> Result<Vec<u8>, DeployError> {
    let mut nonce = [0; NONCE_LEN];
    let no_randomness = |_| DeployError::Internal("the operating system gave no random bytes".into());
    SystemRandom::new().fill(&mut nonce).map_err(no_randomness)?;
    let mut bytes = value.as_bytes().to_vec();
    key(secret)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), place.aad(), &mut bytes)
        .map_err(|_| DeployError::Internal("the secret could not be sealed".into()))?;
    Ok([nonce.as_slice(), &bytes].concat())
}

/// `None`: it was sealed under another key, for another place, or was altered.
pub(crate) fn open(secret: &[u8; 32], place: Place<'_>, sealed: &[u8]) -> Option<String> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut bytes = rest.to_vec();
    let plain = key(secret).open_in_place(nonce, place.aad(), &mut bytes).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_where_it_belongs_and_unaltered() {
        let ann = AccountId::new("ann");
        let place = Place { account: &ann, environment: "main", name: "TOKEN" };
        let sealed = seal(&[7; 32], place, "hush").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"hush"));
        assert_eq!(open(&[7; 32], place, &sealed).as_deref(), Some("hush"));
        assert_eq!(open(&[8; 32], place, &sealed), None);
        assert_eq!(open(&[7; 32], Place { name: "OTHER", ..place }, &sealed), None);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(open(&[7; 32], place, &altered), None, "{at}");
        }
        assert_eq!(open(&[7; 32], place, b"short"), None);
    }
}
