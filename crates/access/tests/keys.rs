//! Keys against a real store, across restarts.

use std::{path::Path, sync::Arc, time::Duration};

use tintype_access::{Access, AdminKey, AuthError, Grant, KeyError, LOCAL_ACCOUNT, Purpose};
use tintype_domain::{AccountId, Clock, KeyId, ManualClock, Timestamp};
use tintype_store::{KeyScope, MemoryStore, Store, sqlite};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn over(store: Arc<dyn Store>) -> (Access, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(NOW));
    (Access::open(store, Arc::clone(&clock) as Arc<dyn Clock>, [3; 32]), clock)
}

fn in_memory() -> Access {
    over(Arc::new(MemoryStore::new())).0
}

fn in_folder(folder: &Path) -> Access {
    over(Arc::new(sqlite::open(folder).unwrap())).0
}

#[tokio::test]
async fn a_made_key_opens_until_it_is_revoked() {
    let access = in_memory();
    let (record, key) = access.create_key(AccountId::new("ann"), "laptop", KeyScope::Api).await.unwrap();
    for _ in 0..2 {
        let identity = access.key(&key).await.unwrap();
        assert_eq!((identity.account, identity.scope), (AccountId::new("ann"), KeyScope::Api));
        assert_eq!(identity.key, record.id);
    }
    assert!(access.revoke_key(&record.id).await.unwrap());
    assert!(matches!(access.key(&key).await, Err(AuthError::Revoked { .. })));
    assert!(!access.revoke_key(&record.id).await.unwrap());
    assert!(!access.revoke_key(&KeyId::new("none")).await.unwrap());
}

#[tokio::test]
async fn an_unknown_id_and_a_wrong_secret_get_the_same_answer() {
    let access = in_memory();
    let (record, _) = access.create_key(AccountId::new("ann"), "laptop", KeyScope::Api).await.unwrap();
    let wrong = access.key(&format!("{}:wrong", record.id)).await.unwrap_err();
    let unknown = access.key("nobody:wrong").await.unwrap_err();
    assert_eq!(wrong.to_string(), unknown.to_string());
    access.revoke_key(&record.id).await.unwrap();
    assert!(matches!(access.key(&format!("{}:wrong", record.id)).await, Err(AuthError::Unknown)));
    assert!(matches!(access.key("not a key").await, Err(AuthError::Malformed)));
}

#[tokio::test]
async fn the_secret_is_not_in_the_record() {
    let access = in_memory();
    let (record, key) = access.create_key(AccountId::new("ann"), "laptop", KeyScope::Api).await.unwrap();
    let secret = key.split_once(':').unwrap().1;
    assert!(!format!("{record:?} {:?}", access.keys().await.unwrap()).contains(secret));
}

#[tokio::test]
async fn an_alias_has_a_length() {
    let access = in_memory();
    for (alias, found) in [(String::new(), 0), ("é".repeat(256), 256)] {
        let error = access.create_key(AccountId::new("ann"), &alias, KeyScope::Api).await.unwrap_err();
        assert_eq!(error.to_string(), format!("an alias is 1 to 255 characters long; found {found}"));
    }
    access.create_key(AccountId::new("ann"), &"é".repeat(255), KeyScope::Api).await.unwrap();
}

#[tokio::test]
async fn the_first_start_makes_an_admin_key_and_the_second_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let access = in_folder(folder.path());
    let AdminKey::Created(key) = access.ensure_admin_key(None).await.unwrap() else { panic!("none was there") };
    drop(access);

    let access = in_folder(folder.path());
    let identity = access.key(&key).await.unwrap();
    assert_eq!((identity.account, identity.scope), (AccountId::new(LOCAL_ACCOUNT), KeyScope::Admin));
    assert_eq!(access.ensure_admin_key(None).await.unwrap(), AdminKey::Existing(identity.key.clone()));

    drop(access);
    sqlite::open(folder.path()).unwrap().revoke_key(&identity.key, NOW).await.unwrap();
    let access = in_folder(folder.path());
    assert!(matches!(access.ensure_admin_key(None).await.unwrap(), AdminKey::Created(_)));
}

#[tokio::test]
async fn a_given_admin_key_is_in_force_from_then_on() {
    let access = in_memory();
    for _ in 0..2 {
        assert_eq!(access.ensure_admin_key(Some("me:s3cret")).await.unwrap(), AdminKey::Given(KeyId::new("me")));
    }
    assert_eq!(access.key("me:s3cret").await.unwrap().scope, KeyScope::Admin);
    assert_eq!(access.ensure_admin_key(None).await.unwrap(), AdminKey::Existing(KeyId::new("me")));
    assert_eq!(access.keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_given_admin_key_that_cannot_be_is_refused_without_telling_its_secret() {
    let access = in_memory();
    access.ensure_admin_key(Some("me:s3cret")).await.unwrap();
    let other = access.ensure_admin_key(Some("me:other")).await.unwrap_err();
    assert!(matches!(other, KeyError::Taken { .. }), "{other}");

    for given in ["s3cret", "me:", ":s3cret", "me:s3 cret"] {
        let error = access.ensure_admin_key(Some(given)).await.unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
        assert!(!error.to_string().contains("s3"), "{error}");
    }
    access.create_key(AccountId::new("ann"), "second", KeyScope::Admin).await.unwrap();
    access.revoke_key(&KeyId::new("me")).await.unwrap();
    let revoked = access.ensure_admin_key(Some("me:s3cret")).await.unwrap_err();
    assert!(matches!(revoked, KeyError::Revoked { .. }), "{revoked}");
}

#[tokio::test]
async fn the_last_admin_key_in_force_cannot_be_revoked() {
    let access = in_memory();
    let ann = || AccountId::new("ann");
    let (first, key) = access.create_key(ann(), "first", KeyScope::Admin).await.unwrap();
    access.create_key(ann(), "a mere caller", KeyScope::Api).await.unwrap();
    let refused = access.revoke_key(&first.id).await.unwrap_err();
    assert!(matches!(refused, KeyError::LastAdmin { .. }), "{refused}");
    assert!(refused.to_string().contains("make another first"), "{refused}");
    access.key(&key).await.unwrap();

    let (second, _) = access.create_key(ann(), "second", KeyScope::Admin).await.unwrap();
    let (one, two) = tokio::join!(access.revoke_key(&first.id), access.revoke_key(&second.id));
    assert!(one.is_ok() != two.is_ok(), "one of the two stays: {one:?} {two:?}");
}

#[tokio::test]
async fn a_token_lives_by_the_clock_of_the_server() {
    let (access, clock) = over(Arc::new(MemoryStore::new()));
    let grant = Grant {
        account: AccountId::new("ann"),
        purpose: Purpose::Cdn { lifecycle: Some("{}".into()) },
        expires_at: NOW.plus(Duration::from_secs(120)),
    };
    let token = access.mint(grant.clone());
    assert_eq!(access.verify(&token).unwrap(), grant);
    clock.advance(Duration::from_secs(120));
    assert!(matches!(access.verify(&token), Err(AuthError::Expired)));
}

#[tokio::test]
async fn a_runner_acts_for_its_account_with_its_token_and_with_no_other() {
    let (access, clock) = over(Arc::new(MemoryStore::new()));
    let expires_at = NOW.plus(Duration::from_secs(60));
    let mint = |purpose| access.mint(Grant { account: AccountId::new("ann"), purpose, expires_at });
    let token = mint(Purpose::Runner { app: "ann/app".into() });
    let identity = access.key(&format!("runner:{token}")).await.unwrap();
    assert_eq!((identity.account, identity.scope), (AccountId::new("ann"), KeyScope::Api));
    let other = mint(Purpose::Cdn { lifecycle: None });
    assert!(matches!(access.key(&format!("runner:{other}")).await, Err(AuthError::BadToken)));
    assert!(matches!(access.key("runner:guess").await, Err(AuthError::BadToken)));
    assert!(matches!(access.ensure_admin_key(Some("runner:mine")).await, Err(KeyError::Taken { .. })));
    clock.advance(Duration::from_secs(61));
    assert!(matches!(access.key(&format!("runner:{token}")).await, Err(AuthError::Expired)));
}
