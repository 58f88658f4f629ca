//! Files and uploads.

use std::sync::Arc;

use super::sample::{at, file, upload};
use crate::{Acl, AclDecision, AclRule, Store, StoreError, Upload};

pub async fn files_are_kept_changed_and_deleted(store: &Arc<dyn Store>) {
    store.insert_file(file("f1", Some(at(9)))).await.unwrap();
    assert_eq!(store.file("f1").await.unwrap(), Some(file("f1", Some(at(9)))));
    let repeat = store.insert_file(file("f1", None)).await;
    assert!(matches!(repeat, Err(StoreError::Exists { kind: "file" })), "{repeat:?}");

    let rule = AclRule { user: "bob".into(), decision: AclDecision::Allow };
    let acl = Acl { default: AclDecision::Hide, rules: vec![rule] };
    assert!(store.set_acl("f1", acl.clone()).await.unwrap());
    assert!(!store.set_acl("f2", acl.clone()).await.unwrap());
    assert_eq!(store.file("f1").await.unwrap().unwrap().acl, acl);

    assert!(store.delete_file("f1").await.unwrap());
    assert!(!store.delete_file("f1").await.unwrap());
    assert_eq!(store.file("f1").await.unwrap(), None);
}

pub async fn files_and_uploads_expire_in_order(store: &Arc<dyn Store>) {
    for (id, expires_at) in [("f1", Some(at(30))), ("f2", Some(at(20))), ("f3", None), ("f4", Some(at(40)))] {
        store.insert_file(file(id, expires_at)).await.unwrap();
    }
    let expired = async |secs, limit| {
        let files = store.expired_files(at(secs), limit).await.unwrap();
        files.into_iter().map(|file| file.id).collect::<Vec<_>>()
    };
    assert_eq!(expired(19, 10).await, Vec::<String>::new());
    assert_eq!(expired(30, 10).await, ["f2", "f1"]);
    assert_eq!(expired(99, 2).await, ["f2", "f1"]);

    for (id, secs) in [("u1", 30), ("u2", 20), ("u3", 40)] {
        store.insert_upload(upload(id, at(secs))).await.unwrap();
    }
    let uploads = store.expired_uploads(at(30), 10).await.unwrap();
    assert_eq!(uploads, [upload("u2", at(20)), upload("u1", at(30))]);
    assert_eq!(store.expired_uploads(at(30), 1).await.unwrap().len(), 1);
}

pub async fn an_upload_becomes_a_file_in_one_step(store: &Arc<dyn Store>) {
    let begun = Upload { lifetime: None, ..upload("u1", at(30)) };
    store.insert_upload(begun.clone()).await.unwrap();
    let repeat = store.insert_upload(upload("u1", at(40))).await;
    assert!(matches!(repeat, Err(StoreError::Exists { kind: "upload" })), "{repeat:?}");
    assert_eq!(store.upload("u1").await.unwrap(), Some(begun));

    store.insert_file(file("taken", None)).await.unwrap();
    let clash = store.finish_upload("u1", file("taken", None)).await;
    assert!(matches!(clash, Err(StoreError::Exists { kind: "file" })), "{clash:?}");
    assert!(store.upload("u1").await.unwrap().is_some());

    assert!(store.finish_upload("u1", file("f1", None)).await.unwrap());
    assert!(store.upload("u1").await.unwrap().is_none());
    assert_eq!(store.file("f1").await.unwrap(), Some(file("f1", None)));
    assert!(!store.finish_upload("u1", file("f2", None)).await.unwrap());
    assert_eq!(store.file("f2").await.unwrap(), None);

    store.insert_upload(upload("u2", at(30))).await.unwrap();
    store.delete_upload("u2").await.unwrap();
    store.delete_upload("u2").await.unwrap();
    assert!(store.upload("u2").await.unwrap().is_none());
}
