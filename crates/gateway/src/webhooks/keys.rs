//! The key pair that signs deliveries, and its public half as receivers read it.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

/// The Ed25519 pair that signs deliveries.
pub struct WebhookKeys(Ed25519KeyPair);

#[derive(Debug, thiserror::Error)]
#[error("the webhook secret is not a seed for Ed25519")]
pub struct WebhookKeyError;

/// What a signature covers beside the body.
pub(crate) struct Signed<'a> {
    pub request: &'a str,
    pub user: &'a str,
    /// Unix seconds.
    pub timestamp: i64,
    pub body: &'a [u8],
}

impl WebhookKeys {
    /// The same secret gives the same pair, so that receivers may keep the public half.
    pub fn open(secret: &[u8; 32]) -> Result<Self, WebhookKeyError> {
        Ed25519KeyPair::from_seed_unchecked(secret).map(Self).map_err(|_| WebhookKeyError)
    }

    /// Lower-case hex, as the header carries it.
    pub(crate) fn sign(&self, signed: &Signed<'_>) -> String {
        let body = hex::encode(digest(&SHA256, signed.body));
        let message = [signed.request, signed.user, &signed.timestamp.to_string(), &body].join("\n");
        hex::encode(self.0.sign(message.as_bytes()))
    }

    /// The JSON Web Key Set.
    pub(crate) fn jwks(&self) -> Value {
        let public = self.0.public_key().as_ref();
        let kid = hex::encode(&digest(&SHA256, public).as_ref()[..8]);
        let x = BASE64_URL_SAFE_NO_PAD.encode(public);
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA", "use": "sig"}]})
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_receiver_can_verify_with_the_key_set_alone() {
        let keys = WebhookKeys::open(&[9; 32]).unwrap();
        let signature = keys.sign(&Signed { request: "id", user: "me", timestamp: 1_700_000_000, body: b"{}" });
        let x = keys.jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
        let public = UnparsedPublicKey::new(&ED25519, BASE64_URL_SAFE_NO_PAD.decode(x).unwrap());
        let empty_object = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let message = format!("id\nme\n1700000000\n{empty_object}");
        public.verify(message.as_bytes(), &hex::decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn the_same_secret_is_the_same_key() {
        let key = |secret| WebhookKeys::open(&[secret; 32]).unwrap().jwks();
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
        assert_eq!(key(1)["keys"][0]["x"].as_str().unwrap().len(), 43);
    }
}
