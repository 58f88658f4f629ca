//! Revisions and the aliases that point at them.

use std::sync::Arc;

use tintype_domain::AppId;

use super::sample::{account, alias, app, at, environment, revision, revision_id};
use crate::{AliasRecord, AuthMode, DeleteRevision, RevisionRecord, Store, StoreError};

fn ids(revisions: &[RevisionRecord]) -> Vec<&str> {
    revisions.iter().map(|revision| revision.id.as_str()).collect()
}

fn apps(aliases: &[AliasRecord]) -> Vec<&str> {
    aliases.iter().map(|alias| alias.app.as_str()).collect()
}

pub async fn a_deployment_is_known_with_all_that_was_said(store: &Arc<dyn Store>) {
    let odd = RevisionRecord { definition: "{\"text\":\"é\\u0000'\"}".into(), ..revision(1) };
    let public =
        AliasRecord { auth_mode: AuthMode::Public, scaling: "{\"keep_alive\":9}".into(), ..alias("ann/draw", 1) };
    store.register(odd.clone(), public.clone()).await.unwrap();
    assert_eq!(store.revision(&revision_id(1)).await.unwrap(), Some(odd));
    assert_eq!(store.alias(&app("ann/draw")).await.unwrap(), Some(public));
    assert_eq!(store.revision(&revision_id(2)).await.unwrap(), None);
    assert_eq!(store.alias(&app("ann/paint")).await.unwrap(), None);
}

pub async fn a_later_deployment_moves_the_alias(store: &Arc<dyn Store>) {
    store.register(revision(1), alias("ann/draw", 1)).await.unwrap();
    // The alias points at the revision that comes with it, whatever it says.
    store.register(revision(2), AliasRecord { updated_at: at(7), ..alias("ann/draw", 9) }).await.unwrap();
    let moved = store.alias(&app("ann/draw")).await.unwrap().unwrap();
    assert_eq!((moved.revision, moved.updated_at), (revision_id(2), at(7)));
    assert_eq!(store.aliases(None).await.unwrap().len(), 1);
    assert_eq!(ids(&store.revisions(&account("ann"), None, None).await.unwrap()), ["revision-2", "revision-1"]);
}

pub async fn a_revision_id_is_taken_once_and_leaves_the_alias_alone(store: &Arc<dyn Store>) {
    store.register(revision(1), alias("ann/draw", 1)).await.unwrap();
    store.insert_revision(revision(2)).await.unwrap();
    let again = store.register(revision(2), alias("ann/draw", 2)).await;
    assert!(matches!(again, Err(StoreError::Exists { kind: "revision" })), "{again:?}");
    let again = store.insert_revision(RevisionRecord { definition: "[]".into(), ..revision(1) }).await;
    assert!(matches!(again, Err(StoreError::Exists { kind: "revision" })), "{again:?}");
    assert_eq!(store.alias(&app("ann/draw")).await.unwrap(), Some(alias("ann/draw", 1)));
    assert_eq!(store.revision(&revision_id(1)).await.unwrap(), Some(revision(1)));
}

pub async fn an_alias_points_only_at_a_revision_of_its_account(store: &Arc<dyn Store>) {
    let unknown = store.put_alias(alias("ann/draw", 1)).await;
    assert!(matches!(unknown, Err(StoreError::Missing { kind: "revision" })), "{unknown:?}");
    store.insert_revision(RevisionRecord { account: account("bob"), ..revision(1) }).await.unwrap();
    let foreign = store.put_alias(alias("ann/draw", 1)).await;
    assert!(matches!(foreign, Err(StoreError::Missing { kind: "revision" })), "{foreign:?}");
    assert_eq!(store.alias(&app("ann/draw")).await.unwrap(), None);

    store.insert_revision(revision(2)).await.unwrap();
    store.put_alias(alias("ann/draw", 2)).await.unwrap();
    let shared = AliasRecord { auth_mode: AuthMode::Shared, ..alias("ann/draw", 2) };
    store.put_alias(shared.clone()).await.unwrap();
    assert_eq!(store.alias(&app("ann/draw")).await.unwrap(), Some(shared));
}

pub async fn nothing_is_deployed_to_an_environment_that_is_not_there(store: &Arc<dyn Store>) {
    let elsewhere = |n| RevisionRecord { environment: "dev".into(), ..revision(n) };
    let elsewhere_alias = |n| AliasRecord { environment: "dev".into(), ..alias("ann/draw--dev", n) };
    for refused in [
        store.insert_revision(elsewhere(1)).await,
        store.register(elsewhere(1), elsewhere_alias(1)).await,
        store.register(revision(1), elsewhere_alias(1)).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Missing { kind: "environment" })), "{refused:?}");
    }
    assert!(store.revision(&revision_id(1)).await.unwrap().is_none());

    store.insert_environment(environment("dev")).await.unwrap();
    store.register(elsewhere(1), elsewhere_alias(1)).await.unwrap();
    assert_eq!(apps(&store.aliases(None).await.unwrap()), ["ann/draw--dev"]);
}

pub async fn deployments_are_listed_by_account_app_and_environment(store: &Arc<dyn Store>) {
    store.insert_environment(environment("dev")).await.unwrap();
    for n in [1, 3, 2] {
        store.register(revision(n), alias("ann/draw", n)).await.unwrap();
    }
    let paint = RevisionRecord { app: app("ann/paint"), environment: "dev".into(), ..revision(4) };
    store.register(paint, AliasRecord { environment: "dev".into(), ..alias("ann/paint", 4) }).await.unwrap();
    let bobs = RevisionRecord { account: account("bob"), app: app("bob/draw"), ..revision(5) };
    store.register(bobs, AliasRecord { account: account("bob"), ..alias("bob/draw", 5) }).await.unwrap();

    let list = async |app: Option<&AppId>, environment| {
        ids(&store.revisions(&account("ann"), app, environment).await.unwrap()).join(" ")
    };
    assert_eq!(list(None, None).await, "revision-4 revision-3 revision-2 revision-1");
    assert_eq!(list(Some(&app("ann/draw")), None).await, "revision-3 revision-2 revision-1");
    assert_eq!(list(None, Some("dev")).await, "revision-4");
    assert_eq!(list(Some(&app("ann/draw")), Some("dev")).await, "");
    assert_eq!(apps(&store.aliases(None).await.unwrap()), ["ann/draw", "ann/paint", "bob/draw"]);
    assert_eq!(apps(&store.aliases(Some(&account("bob"))).await.unwrap()), ["bob/draw"]);
}

pub async fn a_revision_in_use_is_not_deleted(store: &Arc<dyn Store>) {
    store.register(revision(1), alias("ann/draw", 1)).await.unwrap();
    store.put_alias(alias("ann/also", 1)).await.unwrap();
    let in_use = DeleteRevision::InUse { app: app("ann/also") };
    assert_eq!(store.delete_revision(&revision_id(1)).await.unwrap(), in_use);
    assert_eq!(store.delete_alias(&app("ann/also")).await.unwrap(), Some(alias("ann/also", 1)));
    assert_eq!(store.delete_alias(&app("ann/also")).await.unwrap(), None);
    assert_eq!(store.delete_alias(&app("ann/draw")).await.unwrap(), Some(alias("ann/draw", 1)));
    assert!(store.revision(&revision_id(1)).await.unwrap().is_some());
    assert_eq!(store.delete_revision(&revision_id(1)).await.unwrap(), DeleteRevision::Deleted);
    assert_eq!(store.delete_revision(&revision_id(1)).await.unwrap(), DeleteRevision::Unknown);
}
