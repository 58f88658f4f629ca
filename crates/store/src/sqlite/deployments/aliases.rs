//! Aliases.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tintype_domain::{AccountId, AppId, RevisionId};

use super::{Checked, environments, revisions};
use crate::{
    AliasRecord, StoreError,
    sqlite::{
        columns::{Coded, Columns},
        operation::Writing,
    },
};

const COLUMNS: &str = "app, account, environment, revision, auth_mode, scaling, updated_at";

pub(super) fn put(writing: &Writing, alias: &AliasRecord) -> Checked {
    if !environments::known(&writing.connection, &alias.account, &alias.environment)? {
        return Ok(Err(StoreError::Missing { kind: "environment" }));
    }
    if !revisions::owned(&writing.connection, &alias.revision, &alias.account)? {
        return Ok(Err(StoreError::Missing { kind: "revision" }));
    }
    write(writing, alias, &alias.revision)?;
    Ok(Ok(()))
}

/// Unchecked: the caller knows that the environment and the revision are there.
pub(super) fn write(writing: &Writing, alias: &AliasRecord, revision: &RevisionId) -> rusqlite::Result<()> {
    writing.execute(
        "INSERT OR REPLACE INTO aliases (app, account, environment, revision, auth_mode, scaling, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            alias.app.as_str(),
            alias.account.as_str(),
            alias.environment,
            revision.as_str(),
            alias.auth_mode.code(),
            alias.scaling,
            alias.updated_at.as_micros(),
        ],
    )?;
    Ok(())
}

pub(super) fn find(connection: &Connection, app: &AppId) -> rusqlite::Result<Option<AliasRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM aliases WHERE app = ?1");
    connection.prepare_cached(&sql)?.query_row([app.as_str()], read).optional()
}

pub(super) fn list(connection: &Connection, account: Option<&AccountId>) -> rusqlite::Result<Vec<AliasRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM aliases WHERE ?1 IS NULL OR account = ?1 ORDER BY app");
    connection.prepare_cached(&sql)?.query_map([account.map(AccountId::as_str)], read)?.collect()
}

/// The first that points at the revision.
pub(super) fn first_of(connection: &Connection, revision: &RevisionId) -> rusqlite::Result<Option<AppId>> {
    let mut statement =
        connection.prepare_cached("SELECT app FROM aliases WHERE revision = ?1 ORDER BY app LIMIT 1")?;
    statement.query_row([revision.as_str()], |row| Columns::of(row).app()).optional()
}

pub(super) fn delete(writing: &Writing, app: &AppId) -> rusqlite::Result<Option<AliasRecord>> {
    let sql = format!("DELETE FROM aliases WHERE app = ?1 RETURNING {COLUMNS}");
    writing.connection.prepare_cached(&sql)?.query_row([app.as_str()], read).optional()
}

/// Those that went, in the order of their names.
pub(super) fn delete_all(
    writing: &Writing,
    account: &AccountId,
    environment: &str,
) -> rusqlite::Result<Vec<AliasRecord>> {
    let sql = format!("DELETE FROM aliases WHERE account = ?1 AND environment = ?2 RETURNING {COLUMNS}");
    let mut statement = writing.connection.prepare_cached(&sql)?;
    let gone = statement.query_map(params![account.as_str(), environment], read)?;
    let mut gone = gone.collect::<rusqlite::Result<Vec<_>>>()?;
    gone.sort_by(|a, b| a.app.cmp(&b.app));
    Ok(gone)
}

fn read(row: &Row<'_>) -> rusqlite::Result<AliasRecord> {
    let mut columns = Columns::of(row);
    Ok(AliasRecord {
        app: columns.app()?,
        account: columns.account()?,
        environment: columns.plain()?,
        revision: RevisionId::new(columns.text()?),
        auth_mode: columns.word()?,
        scaling: columns.plain()?,
        updated_at: columns.time()?,
    })
}
