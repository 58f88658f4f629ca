//! What is known of requests.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};
use tintype_domain::RequestId;

use crate::{
    Pending, RequestRecord, RequestState, StoredRequest, StoredResponse,
    sqlite::columns::{Columns, RUNNING},
};

/// The columns of a record, in the order in which [`open_record`] reads them.
pub(super) const OPEN_RECORD: &str = "id, account, app, path, priority, state, attempts, gateway_request_id, runner, \
     submitted_at, started_at, keep_payloads";

/// The columns of a record, in the order in which [`closed_record`] reads them.
pub(in crate::sqlite) const CLOSED_RECORD: &str = "id, account, app, path, priority, outcome, attempts, \
     gateway_request_id, runner, submitted_at, started_at, finished_at, status_code, error, error_type, expires_at, \
     direct, keep_payloads";

pub(super) fn open_record(row: &Row<'_>) -> rusqlite::Result<RequestRecord> {
    let mut columns = Columns::of(row);
    Ok(RequestRecord {
        id: columns.request_id()?,
        account: columns.account()?,
        app: columns.app()?,
        path: columns.plain()?,
        priority: columns.word()?,
        state: if columns.plain::<i64>()? == RUNNING { RequestState::Running } else { RequestState::Waiting },
        attempts: columns.plain()?,
        gateway_request_id: columns.request_id()?,
        runner: columns.runner()?,
        submitted_at: columns.time()?,
        started_at: columns.maybe_time()?,
        finished_at: None,
        status_code: None,
        error: None,
        error_type: None,
        expires_at: None,
        direct: false,
        keep_payloads: columns.plain()?,
    })
}

/// From the columns that `columns` stands at.
pub(in crate::sqlite) fn closed_record(columns: &mut Columns<'_, '_>) -> rusqlite::Result<RequestRecord> {
    Ok(RequestRecord {
        id: columns.request_id()?,
        account: columns.account()?,
        app: columns.app()?,
        path: columns.plain()?,
        priority: columns.word()?,
        state: RequestState::Done(columns.word()?),
        attempts: columns.plain()?,
        gateway_request_id: columns.request_id()?,
        runner: columns.runner()?,
        submitted_at: columns.time()?,
        started_at: columns.maybe_time()?,
        finished_at: columns.maybe_time()?,
        status_code: columns.plain()?,
        error: columns.plain()?,
        error_type: columns.error_type()?,
        expires_at: columns.maybe_time()?,
        direct: columns.plain()?,
        keep_payloads: columns.plain()?,
    })
}

pub(in crate::sqlite) fn record(connection: &Connection, id: RequestId) -> rusqlite::Result<Option<RequestRecord>> {
    // Both looks share a snapshot, so a request that ends in between is not missed.
    let mut open = connection.prepare_cached(&format!("SELECT {OPEN_RECORD} FROM open_requests WHERE id = ?1"))?;
    if let Some(record) = open.query_row([id.as_bytes()], open_record).optional()? {
        return Ok(Some(record));
    }
    let mut closed =
        connection.prepare_cached(&format!("SELECT {CLOSED_RECORD} FROM closed_requests WHERE id = ?1"))?;
    closed.query_row([id.as_bytes()], |row| closed_record(&mut Columns::of(row))).optional()
}

pub(in crate::sqlite) fn pending(connection: &Connection) -> rusqlite::Result<Vec<Pending>> {
    let mut statement = connection.prepare(
        "SELECT id, account, app, path, priority, submitted_at, start_deadline, hint, retry, attempts, crashes, state
         FROM open_requests ORDER BY arrival",
    )?;
    let rows = statement.query_map([], |row| {
        let mut columns = Columns::of(row);
        Ok(Pending {
            id: columns.request_id()?,
            account: columns.account()?,
            app: columns.app()?,
            path: columns.plain()?,
            priority: columns.word()?,
            submitted_at: columns.time()?,
            start_deadline: columns.maybe_time()?,
            hint: columns.plain()?,
            retry: columns.json()?,
            attempts: columns.plain()?,
            crashes: columns.plain()?,
            running: columns.plain::<i64>()? == RUNNING,
        })
    })?;
    rows.collect()
}

pub(in crate::sqlite) fn payload(connection: &Connection, id: RequestId) -> rusqlite::Result<Option<StoredRequest>> {
    let mut statement = connection.prepare_cached(
        "SELECT method, path, headers, body
         FROM (SELECT arrival, path FROM open_requests WHERE id = ?1
               UNION ALL SELECT arrival, path FROM closed_requests WHERE id = ?1)
         JOIN payloads USING (arrival)",
    )?;
    let payload = statement.query_row([id.as_bytes()], |row| {
        let mut columns = Columns::of(row);
        Ok(StoredRequest {
            method: columns.plain()?,
            path: columns.plain()?,
            headers: columns.json()?,
            body: Bytes::from(columns.plain::<Vec<u8>>()?),
        })
    });
    payload.optional()
}

pub(in crate::sqlite) fn response(connection: &Connection, id: RequestId) -> rusqlite::Result<Option<StoredResponse>> {
    let mut statement = connection.prepare_cached(
        "SELECT status, headers, body FROM closed_requests JOIN responses USING (arrival)
         WHERE id = ?1 AND forgotten = 0",
    )?;
    statement.query_row([id.as_bytes()], |row| read_response(&mut Columns::of(row))).optional()
}

/// Status, headers and body, from where `columns` stands.
pub(in crate::sqlite) fn read_response(columns: &mut Columns<'_, '_>) -> rusqlite::Result<StoredResponse> {
    Ok(StoredResponse {
        status: columns.plain()?,
        headers: columns.json()?,
        body: Bytes::from(columns.plain::<Vec<u8>>()?),
    })
}
