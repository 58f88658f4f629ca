//! Attempts begin, and come to nothing. Each statement names the state that it expects: that is the fence.

use rusqlite::{OptionalExtension, Params, params};
use tintype_domain::{AccountId, AppId, Attempt, RequestId, RunnerId, Timestamp};

use crate::{
    EventKind,
    sqlite::{
        columns::Columns,
        feed::{self, Entry},
        operation::Writing,
    },
};

pub(in crate::sqlite) fn begin(
    writing: &mut Writing,
    id: RequestId,
    attempt: Attempt,
    gateway_request_id: RequestId,
    runner: &RunnerId,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let owner = update(
        writing,
        "UPDATE open_requests
         SET state = 1, attempts = ?2, gateway_request_id = ?3, runner = ?4, started_at = ?5
         WHERE id = ?1 AND state = 0 AND attempts = ?2 - 1
         RETURNING account, app",
        params![id.as_bytes(), attempt.0, gateway_request_id.as_bytes(), runner.as_str(), now.as_micros()],
    )?;
    tell(writing, owner, id, EventKind::Started, attempt, now)
}

pub(in crate::sqlite) fn requeue(
    writing: &mut Writing,
    id: RequestId,
    attempt: Attempt,
    crashed: bool,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let owner = update(
        writing,
        "UPDATE open_requests
         SET state = 0, runner = NULL, started_at = NULL, crashes = crashes + ?3
         WHERE id = ?1 AND state = 1 AND attempts = ?2
         RETURNING account, app",
        params![id.as_bytes(), attempt.0, crashed],
    )?;
    tell(writing, owner, id, EventKind::Requeued, attempt, now)
}

type Owner = (AccountId, AppId);

fn update(writing: &Writing, sql: &str, params: impl Params) -> rusqlite::Result<Option<Owner>> {
    let mut statement = writing.connection.prepare_cached(sql)?;
    let owner = statement.query_row(params, |row| {
        let mut columns = Columns::of(row);
        Ok((columns.account()?, columns.app()?))
    });
    owner.optional()
}

fn tell(
    writing: &mut Writing,
    owner: Option<Owner>,
    request: RequestId,
    kind: EventKind,
    attempt: Attempt,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let Some((account, app)) = owner else { return Ok(false) };
    let (account, app) = (&account, &app);
    feed::publish(writing, &Entry { request, account, app, kind, attempt: Some(attempt), outcome: None, at })?;
    Ok(true)
}
