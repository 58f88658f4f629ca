//! What deployers put here. Each submodule serves one kind of record; [`seam`](self::seam) fills the trait.

mod aliases;
mod environments;
mod revisions;
mod seam;
mod secrets;

use rusqlite::Connection;

use crate::StoreError;

/// What a write came to that could be refused without the database being at fault. Every check stands before the
/// first change.
type Checked = rusqlite::Result<Result<(), StoreError>>;

/// Whether a row matches.
fn exists(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<bool> {
    connection.prepare_cached(sql)?.exists(params)
}
