//! Deliveries of webhooks.

use rusqlite::{Connection, params};
use tintype_domain::{RequestId, Timestamp};

use super::{
    columns::{Columns, to_json},
    operation::Writing,
    requests::{CLOSED_RECORD, closed_record, read_response},
};
use crate::Delivery;

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    except: &[RequestId],
    limit: u32,
) -> rusqlite::Result<Vec<Delivery>> {
    // As JSON, so that it is one statement however many there are.
    let except: Vec<_> = except.iter().map(|id| id.to_string().to_ascii_uppercase().replace('-', "")).collect();
    let sql = format!(
        "SELECT {CLOSED_RECORD}, url, tries, give_up_at, responses.status, responses.headers, responses.body
         FROM deliveries JOIN closed_requests ON id = request JOIN responses USING (arrival)
         WHERE next_at <= ?1 AND hex(request) NOT IN (SELECT value FROM json_each(?2))
         ORDER BY next_at, request LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let deliveries = statement.query_map(params![now.as_micros(), to_json(&except)?, limit], |row| {
        let mut columns = Columns::of(row);
        let record = closed_record(&mut columns)?;
        Ok(Delivery {
            request: record.id,
            gateway_request_id: record.gateway_request_id,
            account: record.account.clone(),
            url: columns.plain()?,
            tries: columns.plain()?,
            give_up_at: columns.time()?,
            response: read_response(&mut columns)?,
            record,
        })
    })?;
    deliveries.collect()
}

pub(super) fn next(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement = connection.prepare_cached("SELECT min(next_at) FROM deliveries WHERE next_at > ?1")?;
    statement.query_row([now.as_micros()], |row| Columns::of(row).maybe_time())
}

pub(super) fn tried(
    writing: &Writing,
    id: RequestId,
    next: Option<Timestamp>,
    error: Option<&str>,
) -> rusqlite::Result<()> {
    let Some(next) = next else { return end(writing, id) };
    writing.execute(
        "UPDATE deliveries SET tries = tries + 1, next_at = ?2, last_error = ?3 WHERE request = ?1",
        params![id.as_bytes(), next.as_micros(), error],
    )?;
    Ok(())
}

fn end(writing: &Writing, id: RequestId) -> rusqlite::Result<()> {
    writing.execute("DELETE FROM deliveries WHERE request = ?1", [id.as_bytes()])?;
    // The reader was here first; the webhook was the last to need the result.
    writing.execute(
        "DELETE FROM responses WHERE forgotten = 1
         AND arrival = (SELECT arrival FROM closed_requests WHERE id = ?1)",
        [id.as_bytes()],
    )?;
    Ok(())
}
