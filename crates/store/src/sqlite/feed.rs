//! The ordered feed, and the logs of requests.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};
use tintype_domain::{AccountId, AppId, Attempt, LogEntry, Outcome, RequestId, Timestamp};

use super::{
    columns::{Coded, Columns},
    operation::Writing,
};
use crate::{Event, EventKind, StoredLog};

/// An event before it has its place in the feed.
pub(super) struct Entry<'a> {
    pub(super) request: RequestId,
    pub(super) account: &'a AccountId,
    pub(super) app: &'a AppId,
    pub(super) kind: EventKind,
    pub(super) attempt: Option<Attempt>,
    pub(super) outcome: Option<Outcome>,
    pub(super) at: Timestamp,
}

pub(super) fn publish(writing: &mut Writing, entry: &Entry<'_>) -> rusqlite::Result<()> {
    let cursor = writing.next_cursor();
    publish_at(writing, cursor, entry)
}

pub(super) fn publish_at(writing: &Writing, cursor: i64, entry: &Entry<'_>) -> rusqlite::Result<()> {
    writing.execute(
        "INSERT INTO events (cursor, request, account, app, kind, attempt, outcome, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            cursor,
            entry.request.as_bytes(),
            entry.account.as_str(),
            entry.app.as_str(),
            entry.kind.code(),
            entry.attempt.map(|attempt| attempt.0),
            entry.outcome.map(Coded::code),
            entry.at.as_micros(),
        ],
    )?;
    Ok(())
}

pub(super) fn newest_cursor(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(cursor), 0) FROM events", [], |row| row.get(0))
}

pub(super) fn events(
    connection: &Connection,
    account: Option<&AccountId>,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<Event>> {
    const COLUMNS: &str = "cursor, request, account, app, kind, attempt, outcome, at";
    let Some(account) = account else {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE cursor > ?1 ORDER BY cursor LIMIT ?2");
        return connection.prepare_cached(&sql)?.query_map(params![after, limit], event)?.collect();
    };
    let sql = format!("SELECT {COLUMNS} FROM events WHERE account = ?3 AND cursor > ?1 ORDER BY cursor LIMIT ?2");
    connection.prepare_cached(&sql)?.query_map(params![after, limit, account.as_str()], event)?.collect()
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let mut columns = Columns::of(row);
    Ok(Event {
        cursor: columns.plain()?,
        request: columns.request_id()?,
        account: columns.account()?,
        app: columns.app()?,
        kind: columns.word()?,
        attempt: columns.plain::<Option<u32>>()?.map(Attempt),
        outcome: columns.maybe_word()?,
        at: columns.time()?,
    })
}

pub(super) fn append_logs(writing: &mut Writing, lines: &[(RequestId, LogEntry)]) -> rusqlite::Result<()> {
    let mut newest: HashMap<RequestId, i64> = HashMap::new();
    for (request, entry) in lines {
        let cursor = match newest.get(request) {
            Some(cursor) => cursor + 1,
            None => newest_line(writing, *request)? + 1,
        };
        newest.insert(*request, cursor);
        if writing.no_stray_up_to.is_some_and(|seen| *request <= seen) {
            writing.no_stray_up_to = None;
        }
        writing.execute(
            "INSERT INTO logs (request, cursor, at, level, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![request.as_bytes(), cursor, entry.timestamp.as_micros(), entry.level.code(), entry.message],
        )?;
    }
    Ok(())
}

fn newest_line(writing: &Writing, request: RequestId) -> rusqlite::Result<i64> {
    let mut statement =
        writing.connection.prepare_cached("SELECT coalesce(max(cursor), 0) FROM logs WHERE request = ?1")?;
    statement.query_row([request.as_bytes()], |row| row.get(0))
}

pub(super) fn logs(connection: &Connection, id: RequestId, after: i64, limit: u32) -> rusqlite::Result<Vec<StoredLog>> {
    let mut statement = connection.prepare_cached(
        "SELECT cursor, at, level, message FROM logs WHERE request = ?1 AND cursor > ?2 ORDER BY cursor LIMIT ?3",
    )?;
    let lines = statement.query_map(params![id.as_bytes(), after, limit], |row| {
        let mut columns = Columns::of(row);
        let cursor = columns.plain()?;
        let entry = LogEntry { timestamp: columns.time()?, level: columns.word()?, message: columns.plain()? };
        Ok(StoredLog { cursor, entry })
    })?;
    lines.collect()
}
