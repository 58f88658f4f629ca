//! Signed addresses: leave to do one thing until a moment, carried by the address itself.

use ring::hmac;
use tintype_domain::Timestamp;

/// Signs and checks. What is signed is a subject of the caller's choosing (`upload:{id}`), not the address, so that
/// an address stays valid under another host name or prefix.
pub struct Signer(hmac::Key);

/// A signature as it stands in a query string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Unix seconds.
    pub expires: i64,
    /// Hexadecimal.
    pub signature: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the address has expired: ask for a new one")]
    Expired,
    #[error("the address is not signed by this server: use it exactly as it was returned")]
    Wrong,
}

impl Signer {
    pub fn new(secret: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    pub fn sign(&self, subject: &str, expires: Timestamp) -> Signature {
        let expires = expires.as_secs();
        let tag = hmac::sign(&self.0, &message(subject, expires));
        Signature { expires, signature: hex::encode(tag) }
    }

    /// Checks in constant time.
    pub fn verify(&self, subject: &str, given: &Signature, now: Timestamp) -> Result<(), SignatureError> {
        let tag = hex::decode(&given.signature).map_err(|_| SignatureError::Wrong)?;
        let message = message(subject, given.expires);
        hmac::verify(&self.0, &message, &tag).map_err(|_| SignatureError::Wrong)?;
        if now.as_secs() < given.expires { Ok(()) } else { Err(SignatureError::Expired) }
    }
}

impl Signature {
    /// `expires=...&signature=...`
    pub fn to_query(&self) -> String {
        format!("expires={}&signature={}", self.expires, self.signature)
    }

    /// Reads a query string; other parameters are left alone.
    pub fn from_query(query: &str) -> Result<Self, SignatureError> {
        let value = |name: &str| {
            let pair = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
            pair.map(|(_, value)| value).ok_or(SignatureError::Wrong)
        };
        let expires = value("expires")?.parse().map_err(|_| SignatureError::Wrong)?;
        Ok(Self { expires, signature: value("signature")?.to_owned() })
    }
}

/// The number comes first and ends at the line's end, so that no two pairs give the same message.
fn message(subject: &str, expires: i64) -> Vec<u8> {
    format!("{expires}\n{subject}").into_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn signed() -> (Signer, Signature) {
        let signer = Signer::new([7; 32]);
        let signature = signer.sign("upload:abc", NOW.plus(Duration::from_secs(60)));
        (signer, signature)
    }

    #[test]
    fn a_signature_survives_the_query_string_beside_other_parameters() {
        let (signer, signature) = signed();
        let query = format!("x=1&{}&y", signature.to_query());
        let read = Signature::from_query(&query).unwrap();
        assert_eq!(signer.verify("upload:abc", &read, NOW), Ok(()));
    }

    #[test]
    fn a_signature_ends_at_its_moment() {
        let (signer, signature) = signed();
        let late = NOW.plus(Duration::from_secs(60));
        assert_eq!(signer.verify("upload:abc", &signature, late), Err(SignatureError::Expired));
    }

    #[test]
    fn a_signature_holds_for_one_subject_one_moment_and_one_secret() {
        let (signer, signature) = signed();
        let stretched = Signature { expires: signature.expires + 1, ..signature.clone() };
        let garbage = Signature { signature: "zz".into(), ..signature.clone() };
        assert_eq!(signer.verify("upload:abd", &signature, NOW), Err(SignatureError::Wrong));
        assert_eq!(signer.verify("upload:abc", &stretched, NOW), Err(SignatureError::Wrong));
        assert_eq!(signer.verify("upload:abc", &garbage, NOW), Err(SignatureError::Wrong));
        assert_eq!(Signer::new([8; 32]).verify("upload:abc", &signature, NOW), Err(SignatureError::Wrong));
    }

    #[test]
    fn a_query_without_a_signature_is_wrong() {
        for query in ["", "expires=5", "signature=aa", "expires=x&signature=aa"] {
            assert_eq!(Signature::from_query(query), Err(SignatureError::Wrong), "{query}");
        }
    }
}
