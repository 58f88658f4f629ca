//! Who may upload, read and change.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use tintype_access::{Grant, Purpose};
use tintype_domain::{AccountId, Clock as _};

use super::bench::Bench;

fn acl(default: &str, rules: &[(&str, &str)]) -> String {
    let rules: Vec<_> = rules.iter().map(|(user, decision)| json!({"user": user, "decision": decision})).collect();
    json!({"initial_acl": {"default": default, "rules": rules}}).to_string()
}

#[tokio::test]
async fn uploads_need_a_key_or_a_storage_token() {
    let bench = Bench::new().await;
    let realtime = bench.files.access.mint(Grant {
        account: AccountId::new("owner"),
        purpose: Purpose::Realtime { apps: vec!["app".into()] },
        expires_at: bench.clock.now().plus(Duration::from_secs(60)),
    });
    let realtime = format!("Bearer {realtime}");
    for (headers, status) in [
        (vec![], 401),
        (vec![("authorization", "Key wrong:key")], 401),
        (vec![("authorization", "Bearer forged")], 401),
        (vec![("authorization", "nonsense")], 401),
        (vec![("authorization", realtime.as_str())], 403),
    ] {
        for url in ["/files/upload", "/files/upload/multipart", "/storage/upload/initiate"] {
            assert_eq!(bench.call(Method::POST, url, &headers, "x").await.error().0, status, "{url} {headers:?}");
        }
    }
    let token = bench.token().await;
    let with_token = bench.call(Method::POST, "/storage/auth/token", &[("authorization", &token)], "{}").await;
    assert_eq!(with_token.error().0, 401, "tokens do not make tokens");
    assert_eq!(bench.files_on_disk(), 0);
}

#[tokio::test]
async fn a_token_ends_when_it_says() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    bench.clock.advance(Duration::from_secs(3601));
    let late = bench.call(Method::POST, "/files/upload", &[("authorization", &token)], "x").await;
    assert_eq!(late.error().0, 401);
}

#[tokio::test]
async fn the_access_list_decides_who_reads() {
    let bench = Bench::new().await;
    let (friend, stranger) = (bench.key_of("friend").await, bench.key_of("stranger").await);
    let list = |default| acl(default, &[("friend", "allow"), ("nobody-known", "allow")]);
    for (default, refused) in [("forbid", 403), ("hide", 404)] {
        let url = bench.upload(&[("x-fal-object-lifecycle", &list(default))], "secret").await;
        for (key, status) in [(&bench.key, 200), (&friend, 200), (&stranger, refused)] {
            assert_eq!(bench.get(&url, &[("authorization", key)]).await.status, status, "{default} {key}");
        }
        let anonymous = bench.get(&url, &[]).await;
        assert_eq!(anonymous.status, refused);
        let own = bench.get(&url, &[("authorization", &bench.token().await)]).await;
        assert_eq!((own.header("cache-control"), own.header("vary")), ("private, max-age=3600", "authorization"));
    }
}

#[tokio::test]
async fn a_public_file_is_read_with_any_key_or_none() {
    let bench = Bench::new().await;
    let url = bench.upload(&[], "open").await;
    for headers in [vec![], vec![("authorization", "Key from:elsewhere")], vec![("authorization", "garbage")]] {
        assert_eq!(bench.get(&url, &headers).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_signed_address_opens_a_closed_file_for_a_time() {
    let bench = Bench::new().await;
    let url = bench.upload(&[("x-fal-object-lifecycle", &acl("hide", &[]))], "secret").await;
    let owner = [("authorization", bench.key.as_str())];
    let signed = bench.call(Method::POST, &format!("{url}/sign"), &owner, r#"{"duration": 60}"#).await.json();
    let signed = signed["signed_url"].as_str().unwrap();
    assert_eq!(bench.get(signed, &[]).await.body, "secret");
    let also = bench.call(Method::POST, &format!("/v1/storage/files/sign?url={url}"), &owner, "").await.json();
    assert_eq!(bench.get(also["signed_url"].as_str().unwrap(), &[]).await.body, "secret");
    bench.clock.advance(Duration::from_secs(61));
    assert_eq!(bench.get(signed, &[]).await.status, StatusCode::NOT_FOUND);
    let stranger = bench.key_of("stranger").await;
    let theirs = bench.call(Method::POST, &format!("{url}/sign"), &[("authorization", &stranger)], "").await;
    assert_eq!(theirs.error().0, 404);
    let long = bench.call(Method::POST, &format!("{url}/sign"), &owner, r#"{"duration": 604801}"#).await;
    assert_eq!(long.error().0, 422);
}

#[tokio::test]
async fn an_upload_address_is_good_for_one_upload_and_a_day() {
    let bench = Bench::new().await;
    let headers = [("authorization", bench.key.as_str())];
    let begin = || bench.call(Method::POST, "/storage/upload/initiate", &headers, r#"{"file_name": "a"}"#);
    let (one, other) = (begin().await.json(), begin().await.json());
    let (one, other) = (one["upload_url"].as_str().unwrap(), other["upload_url"].as_str().unwrap());
    let crossed = format!("{}?{}", one.split_once('?').unwrap().0, other.split_once('?').unwrap().1);
    for wrong in [one.split_once('?').unwrap().0, &crossed] {
        let (status, code, _) = bench.call(Method::PUT, wrong, &[], "x").await.error();
        assert_eq!((status, code.as_str()), (403, "signature_invalid"), "{wrong}");
    }
    bench.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(bench.call(Method::PUT, one, &[], "x").await.error().0, 403);
    assert_eq!(bench.files_on_disk(), 0);
}

#[tokio::test]
async fn a_multipart_upload_belongs_to_who_began_it() {
    let bench = Bench::new().await;
    let owner = [("authorization", bench.key.as_str())];
    let begun = bench.call(Method::POST, "/files/upload/multipart", &owner, "").await.json();
    let part = format!("{}/multipart/{}/1", begun["access_url"].as_str().unwrap(), begun["uploadId"].as_str().unwrap());
    let stranger = bench.key_of("stranger").await;
    assert_eq!(bench.call(Method::PUT, &part, &[("authorization", &stranger)], "x").await.error().0, 404);
    assert_eq!(bench.call(Method::PUT, &part, &[], "x").await.error().0, 401);
    assert_eq!(bench.call(Method::PUT, &part, &owner, "x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_owner_closes_and_deletes_a_file() {
    let bench = Bench::new().await;
    let url = bench.upload(&[], "x").await;
    let owner = [("authorization", bench.key.as_str())];
    let route = format!("/v1/storage/files/acl?url={url}");
    assert_eq!(bench.get(&route, &owner).await.json(), json!({"default": "allow", "rules": []}));
    let wanted = json!({"default": "forbid", "rules": [{"user": "unknown", "decision": "allow"}]}).to_string();
    let stuck = bench.call(Method::PUT, &route, &owner, wanted).await.json();
    assert_eq!(stuck, json!({"default": "forbid", "rules": []}));
    assert_eq!(bench.get(&url, &[]).await.error().0, 403);
    let stranger = bench.key_of("stranger").await;
    let delete = format!("/v1/storage/files?url={url}");
    assert_eq!(bench.call(Method::DELETE, &delete, &[("authorization", &stranger)], "").await.error().0, 404);
    assert_eq!(bench.call(Method::DELETE, &delete, &owner, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.get(&url, &owner).await.error().0, 404);
    assert_eq!(bench.files_on_disk(), 0);
}
