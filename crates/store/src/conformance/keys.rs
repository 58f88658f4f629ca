//! Keys.

use std::sync::Arc;

use tintype_domain::KeyId;

use super::sample::{account, at, key};
use crate::{KeyRecord, KeyScope, Store, StoreError};

pub async fn keys_are_found_listed_and_revoked_once(store: &Arc<dyn Store>) {
    assert!(store.key(&KeyId::new("k1")).await.unwrap().is_none());
    store.insert_key(KeyRecord { scope: KeyScope::Admin, ..key("k2", 1) }).await.unwrap();
    store.insert_key(key("k1", 2)).await.unwrap();

    let found = store.key(&KeyId::new("k2")).await.unwrap().unwrap();
    assert_eq!((found.account, found.alias, found.scope), (account("ann"), "laptop".into(), KeyScope::Admin));
    assert_eq!((found.secret_hash, found.created_at, found.revoked_at), ([7; 32], at(1), None));
    let listed: Vec<_> = store.keys().await.unwrap().into_iter().map(|key| key.id).collect();
    assert_eq!(listed, [KeyId::new("k2"), KeyId::new("k1")]);

    assert!(store.revoke_key(&KeyId::new("k2"), at(5)).await.unwrap());
    assert!(!store.revoke_key(&KeyId::new("k2"), at(6)).await.unwrap());
    assert!(!store.revoke_key(&KeyId::new("none"), at(6)).await.unwrap());
    assert_eq!(store.key(&KeyId::new("k2")).await.unwrap().unwrap().revoked_at, Some(at(5)));
    assert_eq!(store.keys().await.unwrap().len(), 2);
}

pub async fn a_key_id_is_taken_once(store: &Arc<dyn Store>) {
    store.insert_key(key("k1", 1)).await.unwrap();
    let repeat = store.insert_key(KeyRecord { secret_hash: [9; 32], ..key("k1", 2) }).await;
    assert!(matches!(repeat, Err(StoreError::Exists { kind: "key" })), "{repeat:?}");
    assert_eq!(store.key(&KeyId::new("k1")).await.unwrap().unwrap().secret_hash, [7; 32]);
}
