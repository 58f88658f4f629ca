//! Runners and lines whose time has passed.

use rusqlite::params;
use tintype_domain::Timestamp;

use crate::{RUNNER_RETENTION, SWEPT_LINES, sqlite::operation::Writing};

/// The oldest first. Tells whether there may be more.
pub(in crate::sqlite) fn sweep(writing: &Writing, now: Timestamp, limit: u32) -> rusqlite::Result<bool> {
    let old = now.minus(RUNNER_RETENTION).as_micros();
    let runners = writing.execute(
        "DELETE FROM runners WHERE runner IN
             (SELECT runner FROM runners WHERE ended_at <= ?1 ORDER BY ended_at, runner LIMIT ?2)",
        params![old, limit],
    )?;
    let line_limit = limit as usize * SWEPT_LINES as usize;
    // In the order of time, which within a runner is that of the numbers: no gap opens.
    let lines = writing.execute(
        "DELETE FROM runner_logs WHERE (runner, seq) IN
             (SELECT runner, seq FROM runner_logs WHERE at <= ?1 ORDER BY at, runner LIMIT ?2)",
        params![old, line_limit as i64],
    )?;
    Ok(runners == limit as usize || lines == line_limit)
}
