//! `id:secret`: taken apart, made, and compared.

use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use subtle::ConstantTimeEq;
use tintype_domain::KeyId;
use tintype_store::KeyRecord;

/// Longer than any key made here or by the services whose keys people bring along.
const MAX_LENGTH: usize = 512;

/// Both halves of a key. The secret half never appears in a log: this type has no `Debug`.
pub(crate) struct Key<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: &'a str,
}

impl<'a> Key<'a> {
    /// The secret may hold colons, the id may not.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.split_once(':')?;
        let plain = |half: &str| !half.is_empty() && half.bytes().all(|byte| byte.is_ascii_graphic());
        (text.len() <= MAX_LENGTH && plain(id) && plain(secret)).then_some(Self { id, secret })
    }

    pub(crate) fn id(&self) -> KeyId {
        KeyId::new(self.id)
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.secret.as_bytes()).as_ref());
        hash
    }

    /// In constant time.
    pub(crate) fn opens(&self, record: &KeyRecord) -> bool {
        self.hash().ct_eq(&record.secret_hash).into()
    }
}

/// A fresh key as text: a UUID, and 128 random bits. `None`: the system has no randomness to give.
pub(crate) fn generate() -> Option<String> {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).ok()?;
    let (id, secret) = random.split_at_mut(16);
    // The marks of a random UUID, which is what tools expect of a key's id.
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let id = hex::encode(id);
    let groups = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]];
    Some(format!("{}:{}", groups.join("-"), hex::encode(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_apart_at_its_first_colon() {
        let key = Key::parse("id:se:cret").unwrap();
        assert_eq!((key.id, key.secret), ("id", "se:cret"));
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let long = format!("id:{}", "s".repeat(1000));
        for text in ["", ":", "id", "id:", ":secret", "id:se cret", "i d:secret", "id:\u{e9}", "id:a\nb", &long] {
            assert!(Key::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_fresh_key_has_a_uuid_and_a_secret_of_32_digits() {
        let (one, two) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one, two);
        let key = Key::parse(&one).unwrap();
        assert!(key.id.parse::<tintype_domain::RequestId>().is_ok(), "{}", key.id);
        assert_eq!((key.id.as_bytes()[14], key.secret.len()), (b'4', 32));
    }
}
