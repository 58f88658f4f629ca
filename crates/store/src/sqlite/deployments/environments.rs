//! Environments, and what goes with them.

use rusqlite::{Connection, Row, params};
use tintype_domain::AccountId;

use super::{aliases, exists};
use crate::{
    AliasRecord, EnvironmentRecord, MAIN_ENVIRONMENT,
    sqlite::{columns::Columns, operation::Writing},
};

/// Every account has `main`.
pub(super) fn known(connection: &Connection, account: &AccountId, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM environments WHERE account = ?1 AND name = ?2";
    Ok(name == MAIN_ENVIRONMENT || exists(connection, sql, params![account.as_str(), name])?)
}

/// `false`: there is one with this name.
pub(super) fn insert(writing: &Writing, environment: &EnvironmentRecord) -> rusqlite::Result<bool> {
    if environment.name == MAIN_ENVIRONMENT {
        return Ok(false);
    }
    let inserted = writing.execute(
        "INSERT INTO environments (account, name, description, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        params![
            environment.account.as_str(),
            environment.name,
            environment.description,
            environment.created_at.as_micros(),
        ],
    )?;
    Ok(inserted == 1)
}

pub(super) fn list(connection: &Connection, account: &AccountId) -> rusqlite::Result<Vec<EnvironmentRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT account, name, description, created_at FROM environments WHERE account = ?1 ORDER BY name",
    )?;
    statement.query_map([account.as_str()], read)?.collect()
}

/// `None`: there is no such environment.
pub(super) fn delete(writing: &Writing, account: &AccountId, name: &str) -> rusqlite::Result<Option<Vec<AliasRecord>>> {
    let place = params![account.as_str(), name];
    if writing.execute("DELETE FROM environments WHERE account = ?1 AND name = ?2", place)? == 0 {
        return Ok(None);
    }
    let gone = aliases::delete_all(writing, account, name)?;
    writing.execute("DELETE FROM secrets WHERE account = ?1 AND environment = ?2", place)?;
    // An alias of another environment may have been set to a revision that was made in this one.
    writing.execute(
        "DELETE FROM revisions WHERE account = ?1 AND environment = ?2
             AND NOT EXISTS (SELECT 1 FROM aliases WHERE aliases.revision = revisions.id)",
        place,
    )?;
    Ok(Some(gone))
}

fn read(row: &Row<'_>) -> rusqlite::Result<EnvironmentRecord> {
    let mut columns = Columns::of(row);
    Ok(EnvironmentRecord {
        account: columns.account()?,
        name: columns.plain()?,
        description: columns.plain()?,
        created_at: columns.time()?,
    })
}
