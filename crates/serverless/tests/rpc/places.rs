//! Environments and secrets.

use tintype_domain::AccountId;
use tintype_serverless::api::controller::{
    CreateEnvironmentRequest, DeleteEnvironmentRequest, ListEnvironmentsRequest, ListSecretsRequest, SetSecretRequest,
};
use tonic::Code;

use crate::house::{House, admin};

fn secret(name: &str, value: Option<&str>, environment: Option<&str>) -> SetSecretRequest {
    SetSecretRequest {
        name: name.into(),
        value: value.map(ToOwned::to_owned),
        environment_name: environment.map(ToOwned::to_owned),
        default_exposed: None,
    }
}

async fn make(house: &mut House, name: &str) -> Result<(), tonic::Status> {
    let wanted = CreateEnvironmentRequest { name: name.into(), description: None };
    house.client.create_environment(admin(wanted)).await.map(|_| ())
}

#[tokio::test]
async fn an_environment_is_made_once_and_main_is_always_there() {
    let mut house = House::new().await;
    make(&mut house, "staging").await.unwrap();
    assert_eq!(make(&mut house, "staging").await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(make(&mut house, "main").await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(make(&mut house, "a--b").await.unwrap_err().code(), Code::InvalidArgument);
    let listed = house.client.list_environments(admin(ListEnvironmentsRequest {})).await.unwrap().into_inner();
    let names: Vec<_> = listed.environments.iter().map(|found| (found.name.as_str(), found.is_default)).collect();
    assert_eq!(names, [("main", true), ("staging", false)]);
    assert!(listed.environments.iter().all(|found| found.created_at.is_some()));
}

#[tokio::test]
async fn a_secret_is_listed_without_its_value_and_stored_sealed() {
    let mut house = House::new().await;
    house.client.set_secret(admin(secret("TOKEN", Some("hush"), None))).await.unwrap();
    let listed = house.client.list_secrets(admin(ListSecretsRequest::default())).await.unwrap().into_inner();
    let found = &listed.secrets[0];
    assert_eq!((found.name.as_str(), found.default_exposed, found.created_time.is_some()), ("TOKEN", Some(true), true));
    let stored = house.store.secrets(&AccountId::new("local"), None).await.unwrap();
    assert!(!stored[0].sealed.windows(4).any(|window| window == b"hush"));
}

#[tokio::test]
async fn a_secret_that_is_not_there_cannot_be_unset() {
    let mut house = House::new().await;
    let missing = house.client.set_secret(admin(secret("TOKEN", None, None))).await.unwrap_err();
    assert_eq!((missing.code(), missing.message().contains("not found")), (Code::NotFound, true));
    house.client.set_secret(admin(secret("TOKEN", Some("1"), None))).await.unwrap();
    house.client.set_secret(admin(secret("TOKEN", None, None))).await.unwrap();
    let listed = house.client.list_secrets(admin(ListSecretsRequest::default())).await.unwrap().into_inner();
    assert!(listed.secrets.is_empty());
}

#[tokio::test]
async fn what_cannot_be_a_variable_is_no_secret() {
    let mut house = House::new().await;
    for (name, value) in [("A-B", "1"), ("", "1"), ("1A", "1"), ("A", "x\0y")] {
        let refused = house.client.set_secret(admin(secret(name, Some(value), None))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{name:?}");
    }
    let nowhere = house.client.set_secret(admin(secret("A", Some("1"), Some("nowhere")))).await.unwrap_err();
    assert_eq!((nowhere.code(), nowhere.message()), (Code::NotFound, "environment `nowhere` not found"));
}

#[tokio::test]
async fn the_secrets_of_an_environment_go_with_it() {
    let mut house = House::new().await;
    make(&mut house, "staging").await.unwrap();
    house.client.set_secret(admin(secret("A", Some("1"), Some("staging")))).await.unwrap();
    let delete = |name: &str| admin(DeleteEnvironmentRequest { name: name.into() });
    house.client.delete_environment(delete("staging")).await.unwrap();
    let listed = house.client.list_secrets(admin(ListSecretsRequest::default())).await.unwrap().into_inner();
    assert!(listed.secrets.is_empty());
    assert_eq!(house.client.delete_environment(delete("staging")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(house.client.delete_environment(delete("main")).await.unwrap_err().code(), Code::FailedPrecondition);
}
