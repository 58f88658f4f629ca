//! Keys of the API.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tintype_domain::{KeyId, Timestamp};

use super::{
    columns::{Coded, Columns},
    operation::Writing,
};
use crate::KeyRecord;

const COLUMNS: &str = "id, account, alias, scope, secret_hash, created_at, revoked_at";

/// `false`: there is one with this id.
pub(super) fn insert(writing: &Writing, key: &KeyRecord) -> rusqlite::Result<bool> {
    let inserted = writing.execute(
        "INSERT INTO keys (id, account, alias, scope, secret_hash, created_at, revoked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        params![
            key.id.as_str(),
            key.account.as_str(),
            key.alias,
            key.scope.code(),
            key.secret_hash,
            key.created_at.as_micros(),
            key.revoked_at.map(Timestamp::as_micros),
        ],
    )?;
    Ok(inserted == 1)
}

pub(super) fn find(connection: &Connection, id: &KeyId) -> rusqlite::Result<Option<KeyRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.as_str()], read).optional()
}

pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<KeyRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM keys ORDER BY created_at, id");
    connection.prepare_cached(&sql)?.query_map([], read)?.collect()
}

pub(super) fn revoke(writing: &Writing, id: &KeyId, now: Timestamp) -> rusqlite::Result<bool> {
    let revoked = writing.execute(
        "UPDATE keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![id.as_str(), now.as_micros()],
    )?;
    Ok(revoked == 1)
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    let mut columns = Columns::of(row);
    Ok(KeyRecord {
        id: KeyId::new(columns.plain::<String>()?),
        account: columns.account()?,
        alias: columns.plain()?,
        scope: columns.word()?,
        secret_hash: columns.plain()?,
        created_at: columns.time()?,
        revoked_at: columns.maybe_time()?,
    })
}
