//! Revisions.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tintype_domain::{AccountId, AppId, RevisionId};

use super::{Checked, aliases, environments, exists};
use crate::{
    AliasRecord, DeleteRevision, RevisionRecord, StoreError,
    sqlite::{columns::Columns, operation::Writing},
};

const COLUMNS: &str = "id, account, app, environment, created_at, definition";

pub(super) fn register(writing: &Writing, revision: &RevisionRecord, alias: &AliasRecord) -> Checked {
    if !environments::known(&writing.connection, &alias.account, &alias.environment)? {
        return Ok(Err(StoreError::Missing { kind: "environment" }));
    }
    if let Err(refused) = insert(writing, revision)? {
        return Ok(Err(refused));
    }
    aliases::write(writing, alias, &revision.id)?;
    Ok(Ok(()))
}

pub(super) fn insert(writing: &Writing, revision: &RevisionRecord) -> Checked {
    if !environments::known(&writing.connection, &revision.account, &revision.environment)? {
        return Ok(Err(StoreError::Missing { kind: "environment" }));
    }
    let inserted = writing.execute(
        "INSERT INTO revisions (id, account, app, environment, created_at, definition)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![
            revision.id.as_str(),
            revision.account.as_str(),
            revision.app.as_str(),
            revision.environment,
            revision.created_at.as_micros(),
            revision.definition,
        ],
    )?;
    Ok(if inserted == 1 { Ok(()) } else { Err(StoreError::Exists { kind: "revision" }) })
}

/// Whether there is one, and it is this account's.
pub(super) fn owned(connection: &Connection, id: &RevisionId, account: &AccountId) -> rusqlite::Result<bool> {
    exists(connection, "SELECT 1 FROM revisions WHERE id = ?1 AND account = ?2", params![id.as_str(), account.as_str()])
}

pub(super) fn find(connection: &Connection, id: &RevisionId) -> rusqlite::Result<Option<RevisionRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM revisions WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.as_str()], read).optional()
}

/// Newest first.
pub(super) fn list(
    connection: &Connection,
    account: &AccountId,
    app: Option<&AppId>,
    environment: Option<&str>,
) -> rusqlite::Result<Vec<RevisionRecord>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM revisions
         WHERE account = ?1 AND (?2 IS NULL OR app = ?2) AND (?3 IS NULL OR environment = ?3)
         ORDER BY created_at DESC, id DESC"
    );
    let wanted = params![account.as_str(), app.map(AppId::as_str), environment];
    connection.prepare_cached(&sql)?.query_map(wanted, read)?.collect()
}

pub(super) fn delete(writing: &Writing, id: &RevisionId) -> rusqlite::Result<DeleteRevision> {
    if let Some(app) = aliases::first_of(&writing.connection, id)? {
        return Ok(DeleteRevision::InUse { app });
    }
    match writing.execute("DELETE FROM revisions WHERE id = ?1", [id.as_str()])? {
        0 => Ok(DeleteRevision::Unknown),
        _ => Ok(DeleteRevision::Deleted),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<RevisionRecord> {
    let mut columns = Columns::of(row);
    Ok(RevisionRecord {
        id: RevisionId::new(columns.text()?),
        account: columns.account()?,
        app: columns.app()?,
        environment: columns.plain()?,
        created_at: columns.time()?,
        definition: columns.plain()?,
    })
}
