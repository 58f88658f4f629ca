//! Runners, living and ended.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tintype_domain::{AccountId, AppId, RevisionId, RunnerId, Timestamp};

use crate::{
    RunnerRecord,
    sqlite::{columns::Columns, operation::Writing},
};

const COLUMNS: &str =
    "runner, account, app, revision, machine_type, created_at, started_at, ready_at, ended_at, reason, timeline";

/// A record of a living runner does not replace that of its end.
pub(super) fn put(writing: &Writing, runner: &RunnerRecord) -> rusqlite::Result<()> {
    writing.execute(
        "INSERT INTO runners (runner, account, app, revision, machine_type, created_at, started_at, ready_at, ended_at,
             reason, timeline)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO UPDATE SET account = ?2, app = ?3, revision = ?4, machine_type = ?5, created_at = ?6,
             started_at = ?7, ready_at = ?8, ended_at = ?9, reason = ?10, timeline = ?11
         WHERE ended_at IS NULL OR ?9 IS NOT NULL",
        params![
            runner.runner.as_str(),
            runner.account.as_str(),
            runner.app.as_str(),
            runner.revision.as_ref().map(RevisionId::as_str),
            runner.machine_type,
            runner.created_at.as_micros(),
            runner.started_at.map(Timestamp::as_micros),
            runner.ready_at.map(Timestamp::as_micros),
            runner.ended_at.map(Timestamp::as_micros),
            runner.reason,
            runner.timeline,
        ],
    )?;
    Ok(())
}

pub(super) fn find(connection: &Connection, id: &RunnerId) -> rusqlite::Result<Option<RunnerRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM runners WHERE runner = ?1");
    connection.prepare_cached(&sql)?.query_row([id.as_str()], read).optional()
}

/// The last to end first.
pub(super) fn ended(
    connection: &Connection,
    account: &AccountId,
    app: Option<&AppId>,
    since: Timestamp,
) -> rusqlite::Result<Vec<RunnerRecord>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runners WHERE ended_at >= ?3 AND account = ?1 AND (?2 IS NULL OR app = ?2)
         ORDER BY ended_at DESC, runner DESC"
    );
    let wanted = params![account.as_str(), app.map(AppId::as_str), since.as_micros()];
    connection.prepare_cached(&sql)?.query_map(wanted, read)?.collect()
}

/// How many there were comes back.
pub(super) fn close(writing: &Writing, now: Timestamp, reason: &str, living: &[RunnerId]) -> rusqlite::Result<u32> {
    let living = serde_json::to_string(living).unwrap_or_else(|_| "[]".into());
    let closed = writing.execute(
        "UPDATE runners SET ended_at = ?1, reason = coalesce(reason, ?2)
         WHERE ended_at IS NULL AND runner NOT IN (SELECT value FROM json_each(?3))",
        params![now.as_micros(), reason, living],
    )?;
    Ok(closed as u32)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RunnerRecord> {
    let mut columns = Columns::of(row);
    Ok(RunnerRecord {
        runner: RunnerId::new(columns.text()?),
        account: columns.account()?,
        app: columns.app()?,
        revision: columns.plain::<Option<String>>()?.map(RevisionId::new),
        machine_type: columns.plain()?,
        created_at: columns.time()?,
        started_at: columns.maybe_time()?,
        ready_at: columns.maybe_time()?,
        ended_at: columns.maybe_time()?,
        reason: columns.plain()?,
        timeline: columns.plain()?,
    })
}
