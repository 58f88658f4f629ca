//! What goes when its time has passed.

use rusqlite::params;
use tintype_domain::{RequestId, Timestamp};

use super::{columns::Columns, operation::Writing, runners};
use crate::{DIRECT_RETENTION, EVENT_RETENTION, SWEEP_AGAIN};

pub(super) fn sweep(writing: &mut Writing, now: Timestamp, limit: u32) -> rusqlite::Result<u32> {
    let due = due(writing, now, limit)?;
    for request in &due {
        sweep_request(writing, request, now)?;
    }
    writing.execute(
        "DELETE FROM idempotency_keys WHERE (account, key) IN
             (SELECT account, key FROM idempotency_keys WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        params![now.as_micros(), limit],
    )?;
    sweep_events(writing, now, limit)?;
    sweep_stray_logs(writing, now, limit)?;
    let more = runners::sweep(writing, now, limit)?;
    Ok(if more { limit } else { due.len() as u32 })
}

struct Due {
    id: RequestId,
    arrival: i64,
    key_expires_at: Option<Timestamp>,
    /// Its webhook is still under way.
    busy: bool,
}

fn due(writing: &Writing, now: Timestamp, limit: u32) -> rusqlite::Result<Vec<Due>> {
    let mut statement = writing.connection.prepare_cached(
        "SELECT id, arrival, key_expires_at, EXISTS (SELECT 1 FROM deliveries WHERE request = id)
         FROM closed_requests WHERE sweep_at <= ?1 ORDER BY sweep_at, id LIMIT ?2",
    )?;
    let rows = statement.query_map(params![now.as_micros(), limit], |row| {
        let mut columns = Columns::of(row);
        Ok(Due {
            id: columns.request_id()?,
            arrival: columns.plain()?,
            key_expires_at: columns.maybe_time()?,
            busy: columns.plain()?,
        })
    })?;
    rows.collect()
}

fn sweep_request(writing: &Writing, due: &Due, now: Timestamp) -> rusqlite::Result<()> {
    if due.busy {
        return look_again(writing, due.id, now.plus(SWEEP_AGAIN));
    }
    writing.execute("DELETE FROM logs WHERE request = ?1", [due.id.as_bytes()])?;
    writing.execute("DELETE FROM payloads WHERE arrival = ?1", [due.arrival])?;
    writing.execute("DELETE FROM responses WHERE arrival = ?1", [due.arrival])?;
    match due.key_expires_at {
        // The key has to go on naming this request.
        Some(key_expires_at) if key_expires_at > now => look_again(writing, due.id, key_expires_at),
        _ => writing.execute("DELETE FROM closed_requests WHERE id = ?1", [due.id.as_bytes()]).map(drop),
    }
}

fn look_again(writing: &Writing, id: RequestId, at: Timestamp) -> rusqlite::Result<()> {
    writing
        .execute("UPDATE closed_requests SET sweep_at = ?2 WHERE id = ?1", params![id.as_bytes(), at.as_micros()])?;
    Ok(())
}

/// From the head, so that the feed never has a hole; and never the newest, from which cursors go on.
fn sweep_events(writing: &Writing, now: Timestamp, limit: u32) -> rusqlite::Result<()> {
    let mut statement = writing.connection.prepare_cached(
        "SELECT cursor, at FROM events WHERE cursor < (SELECT max(cursor) FROM events) ORDER BY cursor LIMIT ?1",
    )?;
    let head: Vec<(i64, i64)> =
        statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let old = now.minus(EVENT_RETENTION).as_micros();
    if let Some((last, _)) = head.into_iter().take_while(|(_, at)| *at <= old).last() {
        writing.execute("DELETE FROM events WHERE cursor <= ?1", [last])?;
    }
    Ok(())
}

/// Lines of direct calls that never came to be recorded, because the server ended in between. Each sweep goes on where
/// the last one stopped: what is kept for long is not looked at again and again.
fn sweep_stray_logs(writing: &mut Writing, now: Timestamp, limit: u32) -> rusqlite::Result<()> {
    let looked_at = logged_requests(writing, now.minus(DIRECT_RETENTION), limit)?;
    for (request, stray) in &looked_at {
        if *stray {
            writing.execute("DELETE FROM logs WHERE request = ?1", [request.as_bytes()])?;
        }
    }
    if let Some((last, _)) = looked_at.last() {
        writing.no_stray_up_to = Some(*last);
    }
    Ok(())
}

/// Requests that have lines and began before `old`, and whether nothing else is known of them.
fn logged_requests(writing: &Writing, old: Timestamp, limit: u32) -> rusqlite::Result<Vec<(RequestId, bool)>> {
    let from = writing.no_stray_up_to.unwrap_or(RequestId::from_bytes([0; 16]));
    let mut statement = writing.connection.prepare_cached(
        "SELECT request, NOT EXISTS (SELECT 1 FROM open_requests WHERE id = request)
             AND NOT EXISTS (SELECT 1 FROM closed_requests WHERE id = request)
         FROM (SELECT DISTINCT request FROM logs WHERE request > ?1 AND request < ?2 ORDER BY request LIMIT ?3)",
    )?;
    let until = RequestId::new(old, [0; 10]);
    let bounds = params![from.as_bytes(), until.as_bytes(), limit];
    statement.query_map(bounds, |row| Ok((Columns::of(row).request_id()?, row.get(1)?)))?.collect()
}
