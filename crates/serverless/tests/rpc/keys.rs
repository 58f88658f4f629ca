//! Who may call, and keys.

use tintype_serverless::api::controller::{
    CreateUserKeyRequest, ListAliasesRequest, ListUserKeysRequest, RevokeUserKeyRequest,
};
use tintype_store::KeyScope;
use tonic::{Code, Request};

use crate::house::{House, admin, by};

#[tokio::test]
async fn without_a_key_of_this_server_nothing_is_answered() {
    let mut house = House::new().await;
    let none = house.client.list_aliases(Request::new(ListAliasesRequest::default())).await.unwrap_err();
    assert_eq!((none.code(), none.message().contains("FAL_KEY")), (Code::Unauthenticated, true));
    let wrong = house.client.list_aliases(by("admin:guess", ListAliasesRequest::default())).await.unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated);
    let listed = house.client.list_aliases(admin(ListAliasesRequest::default())).await.unwrap();
    assert!(listed.into_inner().aliases.is_empty());
}

#[tokio::test]
async fn a_key_that_may_only_call_does_not_deploy() {
    let mut house = House::new().await;
    let key = house.api_key().await;
    let denied = house.client.list_aliases(by(&key, ListAliasesRequest::default())).await.unwrap_err();
    assert_eq!((denied.code(), denied.message().contains("admin key")), (Code::PermissionDenied, true));
}

#[tokio::test]
async fn a_key_is_made_shown_and_revoked() {
    let mut house = House::new().await;
    let wanted = CreateUserKeyRequest {
        policy_preset: Some("FULL".into()),
        alias: Some("laptop".into()),
        ..CreateUserKeyRequest::default()
    };
    let made = house.client.create_user_key(admin(wanted)).await.unwrap().into_inner();
    let key = format!("{}:{}", made.key_id, made.key_secret);
    let keys = house.client.list_user_keys(by(&key, ListUserKeysRequest {})).await.unwrap().into_inner().user_keys;
    let found = keys.iter().find(|found| found.key_id == made.key_id).unwrap();
    assert_eq!((found.alias.as_str(), found.scope, found.created_at.is_some()), ("laptop", 0, true));
    let revoke = || RevokeUserKeyRequest { key_id: made.key_id.clone() };
    house.client.revoke_user_key(admin(revoke())).await.unwrap();
    let gone = house.client.list_user_keys(by(&key, ListUserKeysRequest {})).await.unwrap_err();
    assert_eq!(gone.code(), Code::Unauthenticated);
    let again = house.client.revoke_user_key(admin(revoke())).await.unwrap_err();
    assert_eq!((again.code(), again.message().contains("not found")), (Code::NotFound, true));
}

#[tokio::test]
async fn the_keys_of_another_account_are_neither_seen_nor_revoked() {
    let mut house = House::new().await;
    let other = house.key_of("bob", KeyScope::Admin).await;
    let listed = house.client.list_user_keys(by(&other, ListUserKeysRequest {})).await.unwrap().into_inner();
    assert_eq!(listed.user_keys.len(), 1);
    let theirs = RevokeUserKeyRequest { key_id: "admin".into() };
    let refused = house.client.revoke_user_key(by(&other, theirs)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}
