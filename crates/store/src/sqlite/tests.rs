//! What only shows from inside: who shares a transaction, and what a full disk does.

use std::sync::mpsc;

use bytes::Bytes;

use super::{OpenError, SqliteStore, open};
use crate::{
    EnqueueError, Enqueued, FileRecord, NewRequest, Store, StoreError,
    conformance::sample::{begin, enqueue, file, finish, id, request, run_through},
};

fn fresh() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (open(folder.path()).unwrap(), folder)
}

/// Runs `work`'s writes in one batch: the writer is held until all of them have arrived.
async fn in_one_batch<T>(store: &SqliteStore, work: impl Future<Output = T>) -> T {
    let (release, gate) = mpsc::channel::<()>();
    let hold = store.write(move |_| {
        // Only the first run waits: the other end is gone by the second.
        let _ = gate.recv();
        Ok(())
    });
    // Futures are polled in this order, and a write is sent when it is first polled.
    let (_, value, ()) = tokio::join!(biased; hold, work, async { drop(release) });
    value
}

async fn limit_pages(store: &SqliteStore, spare: Option<i64>) {
    let limit = store.write(move |writing| {
        let pages: i64 = writing.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let limit = spare.map_or(i64::from(u32::MAX - 1), |spare| pages + spare);
        writing.connection.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |row| row.get::<_, i64>(0))
    });
    limit.await.unwrap();
}

fn big(n: u8) -> NewRequest {
    NewRequest { body: Bytes::from(vec![n; 1_000_000]), ..request(n) }
}

#[tokio::test]
async fn one_bad_write_does_not_fail_the_others_of_its_batch() {
    let (store, _folder) = fresh();
    // SQLite has no number of this size.
    let bad = store.insert_file(FileRecord { size: u64::MAX, ..file("bad", None) });
    let writes = async {
        tokio::join!(biased; store.enqueue(request(1)), bad, store.enqueue(request(1)), store.enqueue(request(2)))
    };
    let (one, bad, repeat, two) = in_one_batch(&store, writes).await;
    assert_eq!((one.unwrap(), two.unwrap()), (Enqueued::New, Enqueued::New));
    assert!(matches!(bad, Err(StoreError::Database(_))), "{bad:?}");
    assert!(matches!(repeat, Err(EnqueueError::Store(StoreError::Exists { .. }))), "{repeat:?}");
    assert_eq!(store.pending().await.unwrap().len(), 2);
    assert_eq!(store.file("bad").await.unwrap(), None);
}

#[tokio::test]
async fn writes_of_one_batch_see_each_other_in_order() {
    let (store, _folder) = fresh();
    let writes = async {
        tokio::join!(
            biased;
            store.enqueue(request(1)),
            begin(&store, 1, 1, 2),
            store.finish(id(1), Some(tintype_domain::Attempt(1)), finish(1, 3)),
            store.finish(id(1), Some(tintype_domain::Attempt(1)), finish(2, 3)),
        )
    };
    let (accepted, begun, ended, again) = in_one_batch(&store, writes).await;
    assert_eq!(accepted.unwrap(), Enqueued::New);
    assert_eq!((begun, ended.unwrap(), again.unwrap()), (true, true, false));
}

#[tokio::test]
async fn a_full_disk_refuses_new_work_and_keeps_the_old() {
    let (store, _folder) = fresh();
    run_through(&store, request(1), 1).await;
    limit_pages(&store, Some(0)).await;
    let refused = store.enqueue(big(2)).await;
    assert!(matches!(refused, Err(EnqueueError::Store(StoreError::DiskFull))), "{refused:?}");
    assert!(store.request(id(2)).await.unwrap().is_none());
    assert!(store.result(id(1)).await.unwrap().is_some());
    assert_eq!(store.events(None, 0, 10).await.unwrap().len(), 3);

    limit_pages(&store, None).await;
    enqueue(&store, big(2)).await;
    assert!(begin(&store, 2, 1, 5).await);
}

#[tokio::test]
async fn a_write_too_big_for_the_disk_does_not_take_others_with_it() {
    let (store, _folder) = fresh();
    limit_pages(&store, Some(40)).await;
    let writes =
        async { tokio::join!(biased; store.enqueue(request(1)), store.enqueue(big(2)), store.enqueue(request(3))) };
    let (one, big, three) = in_one_batch(&store, writes).await;
    assert_eq!((one.unwrap(), three.unwrap()), (Enqueued::New, Enqueued::New));
    assert!(matches!(big, Err(EnqueueError::Store(StoreError::DiskFull))), "{big:?}");
    let kept: Vec<_> = store.pending().await.unwrap().iter().map(|pending| pending.id).collect();
    assert_eq!(kept, [id(1), id(3)]);
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_is_carried_out() {
    let (store, folder) = fresh();
    {
        let abandoned = store.enqueue(request(1));
        tokio::pin!(abandoned);
        // One poll sends it; nobody waits for the answer.
        let _ = futures_poll(abandoned.as_mut()).await;
    }
    store.close();
    assert_eq!(open(folder.path()).unwrap().pending().await.unwrap().len(), 1);
}

async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn a_closed_store_refuses_everything_and_lets_go_of_the_folder() {
    let (store, folder) = fresh();
    enqueue(&store, request(1)).await;
    assert!(matches!(open(folder.path()), Err(OpenError::Folder(_))));
    store.close();
    assert!(matches!(store.enqueue(request(2)).await, Err(EnqueueError::Store(StoreError::Closed))));
    assert!(matches!(store.ping().await, Err(StoreError::Closed)));
    assert!(matches!(store.pending().await, Err(StoreError::Closed)));
    // The log is folded into the database, so that the file alone can be copied.
    assert!(!folder.path().join("tintype.db-wal").exists());

    let again = open(folder.path()).unwrap();
    assert_eq!(again.pending().await.unwrap().len(), 1);
}

#[tokio::test]
async fn cursors_go_on_after_a_restart() {
    let (store, folder) = fresh();
    run_through(&store, request(1), 1).await;
    drop(store);
    let store = open(folder.path()).unwrap();
    enqueue(&store, request(2)).await;
    let cursors: Vec<_> = store.events(None, 0, 10).await.unwrap().iter().map(|event| event.cursor).collect();
    assert_eq!(cursors, [1, 2, 3, 4]);
}

#[test]
fn a_file_that_is_not_a_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tintype.db"), "not a database ".repeat(1000)).unwrap();
    let error = open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("tintype.db cannot be opened"), "{error}");
    // The lock was given back.
    std::fs::remove_file(folder.path().join("tintype.db")).unwrap();
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_panic_closes_the_store_rather_than_leaving_callers_waiting() {
    let (store, folder) = fresh();
    enqueue(&store, request(1)).await;
    let answer = store.readers.read(|_| -> rusqlite::Result<()> { panic!("a read that panics") }).await;
    assert!(matches!(answer, Err(StoreError::Closed)), "{answer:?}");
    while store.pending().await.is_ok() {}
    let answer = store.write(|_| -> rusqlite::Result<()> { panic!("a write that panics") }).await;
    assert!(matches!(answer, Err(StoreError::Closed)), "{answer:?}");
    assert!(matches!(store.ping().await, Err(StoreError::Closed)));
    drop(store);
    assert_eq!(open(folder.path()).unwrap().pending().await.unwrap().len(), 1);
}
