//! Environments, their secrets, and what goes with them.

use std::sync::Arc;

use bytes::Bytes;

use super::sample::{account, alias, app, environment, revision, revision_id, secret};
use crate::{AliasRecord, EnvironmentRecord, MAIN_ENVIRONMENT, RevisionRecord, SecretRecord, Store, StoreError};

pub async fn an_environment_is_made_once_for_an_account(store: &Arc<dyn Store>) {
    assert!(store.insert_environment(environment("dev")).await.unwrap());
    let again = EnvironmentRecord { description: None, ..environment("dev") };
    assert!(!store.insert_environment(again.clone()).await.unwrap());
    assert!(store.insert_environment(EnvironmentRecord { account: account("bob"), ..again }).await.unwrap());
    assert!(store.insert_environment(environment("alpha")).await.unwrap());
    let listed = store.environments(&account("ann")).await.unwrap();
    assert_eq!(listed, [environment("alpha"), environment("dev")]);
}

pub async fn main_is_neither_made_nor_deleted(store: &Arc<dyn Store>) {
    assert!(!store.insert_environment(environment(MAIN_ENVIRONMENT)).await.unwrap());
    store.register(revision(1), alias("ann/draw", 1)).await.unwrap();
    assert_eq!(store.delete_environment(&account("ann"), MAIN_ENVIRONMENT).await.unwrap(), None);
    assert!(store.environments(&account("ann")).await.unwrap().is_empty());
    assert!(store.alias(&app("ann/draw")).await.unwrap().is_some());
}

pub async fn an_environment_takes_what_is_in_it_along(store: &Arc<dyn Store>) {
    store.insert_environment(environment("dev")).await.unwrap();
    let inside = |n| RevisionRecord { environment: "dev".into(), ..revision(n) };
    let [one, two] = ["ann/draw--dev", "ann/also--dev"].map(|name| AliasRecord {
        environment: "dev".into(),
        ..alias(name, if name.contains("draw") { 1 } else { 2 })
    });
    store.register(inside(1), one.clone()).await.unwrap();
    store.register(inside(2), two.clone()).await.unwrap();
    store.insert_revision(inside(3)).await.unwrap();
    // This one has been promoted.
    store.put_alias(alias("ann/draw", 2)).await.unwrap();
    store.put_secret(secret("dev", "TOKEN")).await.unwrap();
    store.put_secret(secret(MAIN_ENVIRONMENT, "TOKEN")).await.unwrap();

    assert_eq!(store.delete_environment(&account("bob"), "dev").await.unwrap(), None);
    assert_eq!(store.delete_environment(&account("ann"), "dev").await.unwrap(), Some(vec![two, one]));
    assert_eq!(store.delete_environment(&account("ann"), "dev").await.unwrap(), None);
    assert_eq!(store.aliases(None).await.unwrap(), [alias("ann/draw", 2)]);
    assert!(store.revision(&revision_id(1)).await.unwrap().is_none());
    assert!(store.revision(&revision_id(2)).await.unwrap().is_some());
    assert!(store.revision(&revision_id(3)).await.unwrap().is_none());
    assert_eq!(store.secrets(&account("ann"), None).await.unwrap(), [secret(MAIN_ENVIRONMENT, "TOKEN")]);

    // Made again, it has no secrets.
    assert!(store.insert_environment(environment("dev")).await.unwrap());
    assert!(store.secrets(&account("ann"), Some("dev")).await.unwrap().is_empty());
}

pub async fn secrets_are_set_replaced_listed_and_deleted(store: &Arc<dyn Store>) {
    let nowhere = store.put_secret(secret("dev", "TOKEN")).await;
    assert!(matches!(nowhere, Err(StoreError::Missing { kind: "environment" })), "{nowhere:?}");
    store.insert_environment(environment("dev")).await.unwrap();
    store.put_secret(secret("dev", "TOKEN")).await.unwrap();
    store.put_secret(secret("dev", "A")).await.unwrap();
    store.put_secret(secret(MAIN_ENVIRONMENT, "TOKEN")).await.unwrap();
    store.put_secret(SecretRecord { account: account("bob"), ..secret(MAIN_ENVIRONMENT, "B") }).await.unwrap();
    let changed = SecretRecord { sealed: Bytes::new(), default_exposed: false, ..secret("dev", "TOKEN") };
    store.put_secret(changed.clone()).await.unwrap();

    let all = store.secrets(&account("ann"), None).await.unwrap();
    assert_eq!(all, [secret("dev", "A"), changed.clone(), secret(MAIN_ENVIRONMENT, "TOKEN")]);
    assert_eq!(store.secrets(&account("ann"), Some("dev")).await.unwrap(), [secret("dev", "A"), changed]);
    assert!(store.delete_secret(&account("ann"), "dev", "TOKEN").await.unwrap());
    assert!(!store.delete_secret(&account("ann"), "dev", "TOKEN").await.unwrap());
    assert!(!store.delete_secret(&account("bob"), "dev", "A").await.unwrap());
    assert_eq!(store.secrets(&account("ann"), Some("dev")).await.unwrap(), [secret("dev", "A")]);
}
