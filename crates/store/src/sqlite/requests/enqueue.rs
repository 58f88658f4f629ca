//! Accepting a request.

use rusqlite::{Connection, OptionalExtension, params};
use tintype_domain::{AccountId, RequestId, Timestamp};

use crate::{
    Enqueued, EventKind, Idempotency, NewRequest,
    sqlite::{
        columns::{Coded, Columns, WAITING, to_json},
        feed::{self, Entry},
        operation::Writing,
    },
};

/// What came of it, refusals included.
pub(in crate::sqlite) enum Accepted {
    Yes(Enqueued),
    KeyReused(RequestId),
    IdTaken,
}

pub(in crate::sqlite) fn enqueue(writing: &mut Writing, request: &NewRequest) -> rusqlite::Result<Accepted> {
    if let Some(key) = &request.idempotency
        && let Some(answer) = earlier_use(&writing.connection, &request.account, key, request.submitted_at)?
    {
        return Ok(answer);
    }
    let arrival = writing.next_cursor();
    if insert_request(writing, request, arrival)? == 0 {
        return Ok(Accepted::IdTaken);
    }
    writing.execute(
        "INSERT INTO payloads (arrival, method, headers, body) VALUES (?1, ?2, ?3, ?4)",
        params![arrival, request.method, to_json(&request.headers)?, &request.body[..]],
    )?;
    if let Some(key) = &request.idempotency {
        keep_key(writing, request, key)?;
    }
    let entry = Entry {
        request: request.id,
        account: &request.account,
        app: &request.app,
        kind: EventKind::Submitted,
        attempt: None,
        outcome: None,
        at: request.submitted_at,
    };
    feed::publish_at(writing, arrival, &entry)?;
    Ok(Accepted::Yes(Enqueued::New))
}

pub(in crate::sqlite) fn earlier_use(
    connection: &Connection,
    account: &AccountId,
    key: &Idempotency,
    now: Timestamp,
) -> rusqlite::Result<Option<Accepted>> {
    let mut statement = connection.prepare_cached(
        "SELECT request, fingerprint FROM idempotency_keys WHERE account = ?1 AND key = ?2 AND expires_at > ?3",
    )?;
    let used = statement.query_row(params![account.as_str(), key.key, now.as_micros()], |row| {
        let mut columns = Columns::of(row);
        Ok((columns.request_id()?, columns.plain::<[u8; 32]>()?))
    });
    Ok(used.optional()?.map(|(existing, fingerprint)| {
        if fingerprint == key.fingerprint {
            Accepted::Yes(Enqueued::Existing(existing))
        } else {
            Accepted::KeyReused(existing)
        }
    }))
}

/// A key that is there all the same has expired, and is taken over.
fn keep_key(writing: &Writing, request: &NewRequest, key: &Idempotency) -> rusqlite::Result<usize> {
    writing.execute(
        "INSERT OR REPLACE INTO idempotency_keys (account, key, fingerprint, request, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![request.account.as_str(), key.key, key.fingerprint, request.id.as_bytes(), key.expires_at.as_micros()],
    )
}

/// No row: the id is taken, by a request that is open or by one that has ended.
fn insert_request(writing: &Writing, request: &NewRequest, arrival: i64) -> rusqlite::Result<usize> {
    writing.execute(
        "INSERT INTO open_requests (id, arrival, account, app, path, priority, state, attempts, gateway_request_id,
             submitted_at, start_deadline, hint, retry, webhook, keep_payloads, key_expires_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?1, ?8, ?9, ?10, ?11, ?12, ?13, ?14
         WHERE NOT EXISTS (SELECT 1 FROM closed_requests WHERE id = ?1)
         ON CONFLICT DO NOTHING",
        params![
            request.id.as_bytes(),
            arrival,
            request.account.as_str(),
            request.app.as_str(),
            request.path,
            request.priority.code(),
            WAITING,
            request.submitted_at.as_micros(),
            request.start_deadline.map(Timestamp::as_micros),
            request.hint,
            to_json(&request.retry)?,
            request.webhook,
            request.keep_payloads,
            request.idempotency.as_ref().map(|key| key.expires_at.as_micros()),
        ],
    )
}
