//! Requests end: the row leaves the claim path, and result, event and webhook are written beside it.

use rusqlite::{OptionalExtension, params};
use tintype_domain::{Attempt, Priority, RequestId};

use super::closing::{Closing, take_open};
use crate::{
    DELIVERY_LIFE, DIRECT_RETENTION, DirectCall, EventKind, Finish,
    sqlite::{
        columns::{Coded, to_json},
        feed::{self, Entry},
        operation::Writing,
    },
};

pub(in crate::sqlite) fn finish(
    writing: &mut Writing,
    id: RequestId,
    by: Option<Attempt>,
    finish: &Finish,
) -> rusqlite::Result<bool> {
    let Some(closing) = take_open(writing, id, by)? else { return Ok(false) };
    closing.close(writing, finish)?;
    writing.execute(
        "INSERT INTO responses (arrival, status, headers, body) VALUES (?1, ?2, ?3, ?4)",
        params![closing.arrival, finish.response.status, to_json(&finish.response.headers)?, &finish.response.body[..]],
    )?;
    if !closing.keep_payloads {
        writing.execute("DELETE FROM payloads WHERE arrival = ?1", [closing.arrival])?;
    }
    schedule_webhook(writing, id, &closing, finish)?;
    let entry = Entry {
        request: id,
        account: &closing.account,
        app: &closing.app,
        kind: EventKind::Finished,
        attempt: by,
        outcome: Some(finish.outcome),
        at: finish.at,
    };
    feed::publish(writing, &entry)?;
    Ok(true)
}

fn schedule_webhook(writing: &mut Writing, id: RequestId, closing: &Closing, finish: &Finish) -> rusqlite::Result<()> {
    let Some(url) = &closing.webhook else { return Ok(()) };
    let give_up_at = finish.at.plus(DELIVERY_LIFE);
    writing.execute(
        "INSERT INTO deliveries (request, url, next_at, give_up_at) VALUES (?1, ?2, ?3, ?4)",
        params![id.as_bytes(), url, finish.at.as_micros(), give_up_at.as_micros()],
    )?;
    writing.delivery_made = true;
    Ok(())
}

/// A webhook that is under way still needs the response: then it is only hidden.
pub(in crate::sqlite) fn forget_payloads(writing: &Writing, id: RequestId) -> rusqlite::Result<()> {
    let mut statement = writing.connection.prepare_cached(
        "SELECT arrival, EXISTS (SELECT 1 FROM deliveries WHERE request = ?1)
         FROM closed_requests WHERE id = ?1 AND keep_payloads = 0",
    )?;
    let found = statement.query_row([id.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?;
    let Some((arrival, under_way)) = found else { return Ok(()) };
    let sql = if under_way {
        "UPDATE responses SET forgotten = 1 WHERE arrival = ?1"
    } else {
        "DELETE FROM responses WHERE arrival = ?1"
    };
    writing.execute(sql, [arrival])?;
    Ok(())
}

pub(in crate::sqlite) fn record_direct(writing: &mut Writing, calls: &[DirectCall]) -> rusqlite::Result<()> {
    for call in calls {
        let arrival = writing.next_cursor();
        // A repeat of a batch whose answer was lost must not count twice.
        if insert_direct(writing, call, arrival)? == 0 {
            continue;
        }
        let entry = Entry {
            request: call.id,
            account: &call.account,
            app: &call.app,
            kind: EventKind::Finished,
            attempt: None,
            outcome: Some(call.outcome),
            at: call.finished_at,
        };
        feed::publish_at(writing, arrival, &entry)?;
    }
    Ok(())
}

fn insert_direct(writing: &Writing, call: &DirectCall, arrival: i64) -> rusqlite::Result<usize> {
    writing.execute(
        "INSERT INTO closed_requests (id, arrival, account, app, path, priority, outcome, attempts, gateway_request_id,
             runner, submitted_at, started_at, finished_at, status_code, error_type, direct, keep_payloads, sweep_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?1, ?8, ?9, ?9, ?10, ?11, ?12, 1, 1, ?13
         WHERE NOT EXISTS (SELECT 1 FROM open_requests WHERE id = ?1)
         ON CONFLICT DO NOTHING",
        params![
            call.id.as_bytes(),
            arrival,
            call.account.as_str(),
            call.app.as_str(),
            call.path,
            Priority::Normal.code(),
            call.outcome.code(),
            call.runner.as_ref().map(tintype_domain::RunnerId::as_str),
            call.started_at.as_micros(),
            call.finished_at.as_micros(),
            call.status_code,
            call.error_type.map(tintype_domain::ErrorType::as_str),
            call.finished_at.plus(DIRECT_RETENTION).as_micros(),
        ],
    )
}
