//! What an object folder promises, on a real folder.

use std::{io, path::Path};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use proptest::prelude::*;
use tempfile::TempDir;
use tintype_blob::{AssembleError, Blobs, PutError, ReadError, new_id};
use tintype_domain::Timestamp;

const LIMIT: u64 = 64 << 20;

fn folder() -> (TempDir, Blobs) {
    let folder = TempDir::new().unwrap();
    let blobs = Blobs::open(folder.path().join("files")).unwrap();
    (folder, blobs)
}

fn whole(bytes: impl Into<Bytes>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::iter([Ok(bytes.into())])
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

async fn content(blobs: &Blobs, id: &str) -> Bytes {
    blobs.read(id, None).await.unwrap().into_bytes().await.unwrap()
}

/// Files below a folder, of any kind.
fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn what_was_put_comes_back_with_its_size_and_digest() {
    let (_folder, blobs) = folder();
    let id = new_id();
    let stored = blobs.put(&id, whole("hello"), LIMIT).await.unwrap();
    assert_eq!(stored.size, 5);
    assert_eq!(stored.digest, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(content(&blobs, &id).await, "hello");
}

#[tokio::test]
async fn a_range_holds_exactly_its_bytes() {
    let (_folder, blobs) = folder();
    let (id, bytes) = (new_id(), pattern(3 << 20));
    blobs.put(&id, whole(bytes.clone()), LIMIT).await.unwrap();
    for range in [0..0, 0..1, 5..300_000, (1 << 20) - 1..(2 << 20) + 1, (3 << 20) - 1..3 << 20] {
        let reader = blobs.read(&id, Some(range.start as u64..range.end as u64)).await.unwrap();
        assert_eq!(reader.remaining(), (range.end - range.start) as u64);
        assert_eq!(reader.into_bytes().await.unwrap(), bytes[range]);
    }
    let outside = blobs.read(&id, Some(0..(3 << 20) + 1)).await;
    assert!(matches!(outside, Err(ReadError::OutOfRange { size: 3_145_728, .. })));
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let (folder, blobs) = folder();
    let id = new_id();
    let broken = stream::iter([Ok(Bytes::from(pattern(3 << 20))), Err(io::Error::other("gone"))]);
    assert!(matches!(blobs.put(&id, broken, LIMIT).await, Err(PutError::BrokenOff(_))));
    assert!(matches!(blobs.read(&id, None).await, Err(ReadError::NotFound { .. })));
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn an_upload_whose_future_is_dropped_leaves_nothing() {
    let (folder, blobs) = folder();
    let id = new_id();
    let (sent, first) = tokio::sync::oneshot::channel();
    let endless = stream::iter([Ok::<_, io::Error>(Bytes::from(pattern(3 << 20)))]).chain(stream::once(async move {
        let _ = sent.send(());
        std::future::pending().await
    }));
    tokio::select! {
        _ = blobs.put(&id, endless, LIMIT) => unreachable!("the source never ends"),
        _ = first => {}
    }
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn an_upload_over_the_limit_is_stopped_on_the_way() {
    let (folder, blobs) = folder();
    let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from(pattern(1 << 20))));
    let stopped = blobs.put(&new_id(), endless, 5 << 20).await;
    assert!(matches!(stopped, Err(PutError::TooLarge { limit: 5_242_880 })));
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn an_object_is_never_rewritten_but_repeating_oneself_is_fine() {
    let (folder, blobs) = folder();
    let id = new_id();
    let first = blobs.put(&id, whole("one"), LIMIT).await.unwrap();
    assert_eq!(blobs.put(&id, whole("one"), LIMIT).await.unwrap(), first);
    assert!(matches!(blobs.put(&id, whole("two"), LIMIT).await, Err(PutError::Taken { .. })));
    assert_eq!(content(&blobs, &id).await, "one");
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn deleted_is_gone_but_who_reads_already_reads_on() {
    let (folder, blobs) = folder();
    let (id, bytes) = (new_id(), pattern(2 << 20));
    blobs.put(&id, whole(bytes.clone()), LIMIT).await.unwrap();
    let mut reader = blobs.read(&id, None).await.unwrap();
    let mut seen = reader.next().await.unwrap().unwrap().to_vec();
    assert!(blobs.delete(&id).await.unwrap());
    assert!(!blobs.delete(&id).await.unwrap());
    seen.extend(reader.into_bytes().await.unwrap());
    assert_eq!(seen, bytes);
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn no_id_leads_out_of_the_folder() {
    let (folder, blobs) = folder();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    for id in ["../../../secret", "..", "", "objects/../../secret"] {
        assert!(matches!(blobs.read(id, None).await, Err(ReadError::NotFound { .. })), "{id}");
        assert!(matches!(blobs.put(id, whole("x"), LIMIT).await, Err(PutError::BadId { .. })), "{id}");
        assert!(!blobs.delete(id).await.unwrap(), "{id}");
        blobs.drop_upload(id).await.unwrap();
    }
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn parts_are_joined_by_number_whatever_their_order() {
    let (folder, blobs) = folder();
    let (upload, id) = (new_id(), new_id());
    let mut named = Vec::new();
    for (number, text) in [(3, "c"), (1, "aa"), (2, ""), (10, "d")] {
        let part = blobs.put_part(&upload, number, whole(text), LIMIT).await.unwrap();
        named.push((number, format!("\"{}\"", part.etag)));
    }
    let stored = blobs.assemble(&upload, &id, named.clone(), LIMIT).await.unwrap();
    assert_eq!((stored.size, content(&blobs, &id).await), (4, "aacd".into()));
    assert_eq!(blobs.assemble(&upload, &id, named, LIMIT).await.unwrap(), stored, "repeating oneself is fine");
    blobs.drop_upload(&upload).await.unwrap();
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn a_part_sent_again_counts_as_the_list_says() {
    let (_folder, blobs) = folder();
    let (upload, id) = (new_id(), new_id());
    let first = blobs.put_part(&upload, 1, whole("first"), LIMIT).await.unwrap();
    blobs.put_part(&upload, 1, whole("second"), LIMIT).await.unwrap();
    blobs.put_part(&upload, 1, whole("first"), LIMIT).await.unwrap();
    blobs.assemble(&upload, &id, vec![(1, first.etag)], LIMIT).await.unwrap();
    assert_eq!(content(&blobs, &id).await, "first");
}

#[tokio::test]
async fn a_list_of_parts_that_cannot_be_joined_is_refused_by_name() {
    let (folder, blobs) = folder();
    let (upload, id) = (new_id(), new_id());
    let etag = blobs.put_part(&upload, 1, whole("x"), LIMIT).await.unwrap().etag;
    let join = |parts: &[(u32, &str)], limit| {
        let parts = parts.iter().map(|(number, etag)| (*number, (*etag).to_owned())).collect();
        let (blobs, upload, id) = (blobs.clone(), upload.clone(), id.clone());
        async move { blobs.assemble(&upload, &id, parts, limit).await.unwrap_err() }
    };
    assert!(matches!(join(&[], LIMIT).await, AssembleError::NoParts));
    assert!(matches!(join(&[(2, &etag)], LIMIT).await, AssembleError::Missing { number: 2, .. }));
    assert!(matches!(join(&[(1, "00")], LIMIT).await, AssembleError::Missing { number: 1, .. }));
    assert!(matches!(join(&[(1, "../x")], LIMIT).await, AssembleError::Missing { .. }));
    assert!(matches!(join(&[(1, &etag), (1, "00")], LIMIT).await, AssembleError::Ambiguous { number: 1 }));
    assert!(matches!(join(&[(1, &etag)], 0).await, AssembleError::Put(PutError::TooLarge { limit: 0 })));
    assert_eq!(files(folder.path()), 1, "the part alone is left");
}

#[tokio::test]
async fn a_new_start_removes_what_a_dead_process_was_writing() {
    let (folder, blobs) = folder();
    let id = new_id();
    blobs.put(&id, whole("kept"), LIMIT).await.unwrap();
    let root = folder.path().join("files");
    std::fs::write(root.join("drafts/left-behind"), "half").unwrap();
    let again = Blobs::open(root).unwrap();
    assert_eq!(content(&again, &id).await, "kept");
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn what_lies_there_is_found_by_its_age() {
    let (_folder, blobs) = folder();
    let (id, upload) = (new_id(), new_id());
    blobs.put(&id, whole("x"), LIMIT).await.unwrap();
    blobs.put_part(&upload, 1, whole("x"), LIMIT).await.unwrap();
    let shard = blobs.shard_names().await.unwrap().pop().unwrap();
    let (past, future) = (Timestamp::EPOCH, Timestamp::from_micros(i64::MAX));
    assert_eq!(blobs.objects_before(&shard, future).await.unwrap(), [id]);
    assert_eq!(blobs.uploads_before(future).await.unwrap(), [upload]);
    assert!(blobs.objects_before(&shard, past).await.unwrap().is_empty());
    assert!(blobs.uploads_before(past).await.unwrap().is_empty());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Blobs::open(file.join("files")).unwrap_err();
    assert!(error.to_string().contains("file/files"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_cut_into_chunks_gives_the_same_object(cuts in proptest::collection::vec(0_usize..400_000, 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_folder, blobs) = folder();
            let id = new_id();
            let chunks: Vec<_> = cuts.iter().map(|length| Bytes::from(pattern(*length))).collect();
            let expected = chunks.concat();
            blobs.put(&id, stream::iter(chunks.into_iter().map(io::Result::Ok)), LIMIT).await.unwrap();
            prop_assert_eq!(content(&blobs, &id).await, expected);
            Ok(())
        })?;
    }
}
