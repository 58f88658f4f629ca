//! Lines of runners. Within a runner, numbers have no gaps and times rise with them: a time is found by halving, and
//! the table needs no second order to be read in.

use std::{collections::HashMap, time::Duration};

use rusqlite::{Connection, OptionalExtension, Row, params};
use tintype_domain::{RequestId, RunnerId, Timestamp};

use crate::{
    RUNNER_LOG_LINES, RunnerLog, RunnerLogFilter,
    sqlite::{
        columns::{Coded, Columns},
        operation::Writing,
    },
};

/// Number and time of a line.
#[derive(Clone, Copy)]
struct Place {
    seq: i64,
    at: Timestamp,
}

impl Place {
    /// The place of a line from `at` that comes after this one.
    fn next(self, at: Timestamp) -> Self {
        Self { seq: self.seq + 1, at: at.max(self.at.plus(Duration::from_micros(1))) }
    }
}

pub(super) fn append(writing: &Writing, lines: &[RunnerLog]) -> rusqlite::Result<()> {
    let mut newest: HashMap<&RunnerId, Place> = HashMap::new();
    for line in lines {
        let last = match newest.get(&line.runner) {
            Some(last) => Some(*last),
            None => last_place(&writing.connection, &line.runner)?,
        };
        let place = last.map_or(Place { seq: 1, at: line.timestamp }, |last| last.next(line.timestamp));
        insert(writing, line, place)?;
        newest.insert(&line.runner, place);
    }
    newest.into_iter().try_for_each(|(runner, newest)| make_room(writing, runner, newest.seq))
}

fn insert(writing: &Writing, line: &RunnerLog, place: Place) -> rusqlite::Result<()> {
    writing.execute(
        "INSERT INTO runner_logs (runner, seq, app, at, level, source, message, request, endpoint)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            line.runner.as_str(),
            place.seq,
            line.app.as_str(),
            place.at.as_micros(),
            line.level.code(),
            line.source.code(),
            line.message,
            line.request.as_ref().map(RequestId::as_bytes),
            line.endpoint,
        ],
    )?;
    Ok(())
}

fn make_room(writing: &Writing, runner: &RunnerId, newest: i64) -> rusqlite::Result<()> {
    let last_too_old = newest - i64::from(RUNNER_LOG_LINES);
    if last_too_old > 0 {
        let sql = "DELETE FROM runner_logs WHERE runner = ?1 AND seq <= ?2";
        writing.execute(sql, params![runner.as_str(), last_too_old])?;
    }
    Ok(())
}

fn last_place(connection: &Connection, runner: &RunnerId) -> rusqlite::Result<Option<Place>> {
    let mut statement =
        connection.prepare_cached("SELECT seq, at FROM runner_logs WHERE runner = ?1 ORDER BY seq DESC LIMIT 1")?;
    let place = |row: &Row<'_>| Ok(Place { seq: row.get(0)?, at: Timestamp::from_micros(row.get(1)?) });
    statement.query_row([runner.as_str()], place).optional()
}

/// Newest first.
pub(super) fn read(connection: &Connection, filter: &RunnerLogFilter) -> rusqlite::Result<Vec<RunnerLog>> {
    let from = filter.since.map_or(Ok(0), |since| first_from(connection, &filter.runner, since))?;
    let before = filter.until.map_or(Ok(i64::MAX), |until| first_from(connection, &filter.runner, until))?;
    let mut statement = connection.prepare_cached(
        "SELECT seq, runner, app, at, level, source, message, request, endpoint FROM runner_logs
         WHERE runner = ?1 AND seq >= ?2 AND seq < ?3 AND (?4 IS NULL OR instr(lower(message), lower(?4)) > 0)
         ORDER BY seq DESC LIMIT ?5",
    )?;
    let wanted = params![filter.runner.as_str(), from, before, filter.search, filter.limit];
    statement.query_map(wanted, line)?.collect()
}

/// The number of the first line at `moment` or later; of the line to come, if there is none.
fn first_from(connection: &Connection, runner: &RunnerId, moment: Timestamp) -> rusqlite::Result<i64> {
    let (mut low, mut high) = ends(connection, runner)?;
    let mut statement = connection.prepare_cached("SELECT at FROM runner_logs WHERE runner = ?1 AND seq = ?2")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let at: i64 = statement.query_row(params![runner.as_str(), middle], |row| row.get(0))?;
        if at < moment.as_micros() { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

/// The number of the first line, and of the line to come; equal if there is none.
fn ends(connection: &Connection, runner: &RunnerId) -> rusqlite::Result<(i64, i64)> {
    let mut statement = connection.prepare_cached(
        "SELECT coalesce((SELECT min(seq) FROM runner_logs WHERE runner = ?1), 0),
             coalesce((SELECT max(seq) FROM runner_logs WHERE runner = ?1) + 1, 0)",
    )?;
    statement.query_row([runner.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn line(row: &Row<'_>) -> rusqlite::Result<RunnerLog> {
    let mut columns = Columns::of(row);
    Ok(RunnerLog {
        seq: columns.plain()?,
        runner: RunnerId::new(columns.text()?),
        app: columns.app()?,
        timestamp: columns.time()?,
        level: columns.word()?,
        source: columns.word()?,
        message: columns.plain()?,
        request: columns.plain::<Option<[u8; 16]>>()?.map(RequestId::from_bytes),
        endpoint: columns.plain()?,
    })
}
